"""Reads error objects as scripts for Amazon Data Firehose do: lines of JSON, what failed and the record itself out of base64.

Objects come as a line `TYPE BYTES` and that many bytes. Answers a line of JSON for each record, with what a repair script
would act on. Fails on the first thing that Firehose's files do not have.
"""
import base64
import json
import sys

PARTITIONING = [
    "attemptsMade",
    "arrivalTimestamp",
    "errorCode",
    "errorMessage",
    "attemptEndingTimestamp",
    "rawData",
]
PROCESSING = [
    "rawData",
    "errorCode",
    "errorMessage",
    "attemptsMade",
    "arrivalTimestamp",
    "attemptEndingTimestamp",
]
MEMBERS = {
    "format-conversion-failed": [
        "attemptsMade",
        "arrivalTimestamp",
        "lastErrorCode",
        "lastErrorMessage",
        "attemptEndingTimestamp",
        "rawData",
        "sequenceNumber",
        "subSequenceNumber",
        "dataCatalogTable",
    ],
    "processing-failed": PROCESSING,
    "decompression-failed": PROCESSING,
    "metadata-extraction-failed": PARTITIONING,
    "partitioning-failed": PARTITIONING,
}
TABLE = ["catalogId", "databaseName", "tableName", "region", "versionId", "roleArn"]


def documents(text):
    """Firehose ends each with a newline; readers in the field take them joined as well."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        yield document
        while at < len(text) and text[at] in "\r\n":
            at += 1


def read(kind, record):
    members = list(record)
    known = MEMBERS[kind]
    if members[: len(known)] != known:
        raise ValueError("%s: members are %s" % (kind, members))
    for name in ("attemptsMade", "arrivalTimestamp", "attemptEndingTimestamp"):
        if type(record[name]) is not int:
            raise ValueError("%s: %s is %r" % (kind, name, record[name]))
    if not 0 < record["arrivalTimestamp"] <= record["attemptEndingTimestamp"]:
        raise ValueError("%s: it ended before it came" % kind)
    table = record.get("dataCatalogTable")
    if table is not None and list(table) != TABLE:
        raise ValueError("%s: the table's members are %s" % (kind, list(table)))
    return {
        "code": record.get("errorCode", record.get("lastErrorCode")),
        "message": record.get("errorMessage", record.get("lastErrorMessage")),
        "attempts": record["attemptsMade"],
        "function": record.get("lambdaARN"),
        "data": base64.b64decode(record["rawData"], validate=True).hex(),
    }


for line in sys.stdin.buffer:
    kind, size = line.split()
    text = sys.stdin.buffer.read(int(size)).decode("utf-8")
    if not text.endswith("\n"):
        raise ValueError("%s: the last line has no end" % kind.decode())
    for record in documents(text):
        print(json.dumps(dict(read(kind.decode(), record), kind=kind.decode())))
