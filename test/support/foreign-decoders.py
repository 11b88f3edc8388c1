"""Reads compressed objects for tests: Python's own gzip and zipfile, and python-snappy.

A request is a line `FORMAT BYTES` and that many bytes; so is the answer, `ok BYTES` or `error BYTES` with a JSON line of
what the format tells besides (of a ZIP) between the two.
"""
import gzip
import io
import json
import sys
import zipfile

from snappy import hadoop_snappy

PIECE = 65536


def gunzip(body):
    return gzip.decompress(body), {}


def unzip(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        broken = archive.testzip()
        if broken is not None:
            raise ValueError("the checksum of %s is wrong" % broken)
        [entry] = archive.infolist()
        told = {
            "name": entry.filename,
            "time": list(entry.date_time),
            "deflated": entry.compress_type == zipfile.ZIP_DEFLATED,
            "bytes": entry.file_size,
            "extra": len(entry.extra),
        }
        return archive.read(entry), told


def unsnappy(body):
    decoder = hadoop_snappy.StreamDecompressor()
    pieces = [decoder.decompress(body[at : at + PIECE]) for at in range(0, len(body), PIECE)]
    decoder.flush()
    return b"".join(pieces), {}


decoders = {"GZIP": gunzip, "ZIP": unzip, "HADOOP_SNAPPY": unsnappy}

for line in sys.stdin.buffer:
    name, size = line.split()
    body = sys.stdin.buffer.read(int(size))
    try:
        plain, told = decoders[name.decode()](body)
        answer = "ok"
    except Exception as error:
        plain, told = repr(error).encode(), {}
        answer = "error"
    head = "%s %d %s\n" % (answer, len(plain), json.dumps(told))
    sys.stdout.buffer.write(head.encode() + plain)
    sys.stdout.buffer.flush()
