/** Why a transform by HTTP did not answer, in the codes of Firehose's Lambda transforms. Of what it said, nothing is kept. */
import { namesOf } from '../../runtime/sdk-errors.ts'
import { CallFailure, type TransformCode } from './codes.ts'

interface Row {
  readonly code: TransformCode
  readonly says: string
  readonly hint: string
}

const statuses: Readonly<Record<number, Row>> = {
  401: { code: 'Lambda.InvokeAccessDenied', says: 'access denied', hint: 'let the transform take the call' },
  403: { code: 'Lambda.InvokeAccessDenied', says: 'access denied', hint: 'let the transform take the call' },
  404: { code: 'Lambda.ResourceNotFound', says: 'it is not there', hint: 'correct transform.url' },
  408: {
    code: 'Lambda.FunctionRequestTimedOut',
    says: 'it took too long',
    hint: 'make the transform quicker',
  },
  410: { code: 'Lambda.ResourceNotFound', says: 'it is not there', hint: 'correct transform.url' },
  413: {
    code: 'Lambda.InvocationFailure',
    says: 'the request is too large for it',
    hint: 'let it take requests of 6 MB, or send it less at a time (transform.bufferSizeInMBs)',
  },
  429: {
    code: 'Lambda.InvokeLimitExceeded',
    says: 'it is called too often',
    hint: 'give the transform more capacity, or lower processing.transformsPerBatch',
  },
  500: { code: 'Lambda.FunctionError', says: 'it failed', hint: 'see the log of the transform' },
  502: {
    code: 'Lambda.TargetServerFailedToRespond',
    says: 'a proxy could not reach it',
    hint: 'see that the transform is up',
  },
  503: {
    code: 'Lambda.ServiceUnavailable',
    says: 'it is not available',
    hint: 'see that the transform is up',
  },
  504: {
    code: 'Lambda.FunctionRequestTimedOut',
    says: 'it took too long',
    hint: 'make the transform quicker',
  },
}

export function statusFailure(url: URL, status: number): CallFailure {
  const row = statuses[status] ?? otherStatus(status)
  return failure(url, row, `${row.says} (${status})`)
}

function otherStatus(status: number): Row {
  return status >= 300 && status < 400
    ? {
        code: 'Lambda.InvocationFailure',
        says: 'it sends elsewhere, and no redirect is followed',
        hint: 'set transform.url to where it sends',
      }
    : {
        code: 'Lambda.InvocationFailure',
        says: 'it refused the call',
        hint: 'see the log of the transform; only a status from 200 to 299 is an answer',
      }
}

const failures: readonly (Row & { readonly names: readonly RegExp[] })[] = [
  {
    code: 'Lambda.InvokeAccessDenied',
    names: [/^RefusedAddressError$/],
    says: 'its address is loopback, link-local or private, and not allowed',
    hint: 'add the beginning of the URL to processing.allowedUrls if records may go there',
  },
  {
    code: 'Lambda.FunctionError',
    names: [/^AnswerTooLargeError$/],
    says: 'its answer is larger than 6 MB',
    hint: 'let it answer with less, or send it less at a time (transform.bufferSizeInMBs)',
  },
  {
    code: 'Lambda.FunctionRequestTimedOut',
    names: [/^ETIMEDOUT$/],
    says: 'it could not be reached in time',
    hint: 'see that the transform is up and can be reached from here',
  },
  {
    code: 'Lambda.TargetServerFailedToRespond',
    names: [/^(ECONN|EHOST|ENET)/, /^(EPIPE|ENOTFOUND|EAI_AGAIN)$/, /^HPE_/, /^ERR_STREAM_PREMATURE_CLOSE$/],
    says: 'it could not be reached, or the connection broke',
    hint: 'see that the transform is up and can be reached from here',
  },
]

const unknown: Row = {
  code: 'Lambda.InvocationFailure',
  says: 'the call failed',
  hint: 'see the cause; certificates of your own authority go into NODE_EXTRA_CA_CERTS',
}

export function httpFailure(url: URL, cause: unknown): CallFailure {
  for (const name of namesOf(cause)) {
    const row = failures.find(({ names }) => names.some((known) => known.test(name)))
    if (row !== undefined) return failure(url, row, row.says, cause)
  }
  return failure(url, unknown, unknown.says, cause)
}

/** Without the query of the URL, which may hold a secret. */
function failure(url: URL, { code, hint }: Row, says: string, cause?: unknown): CallFailure {
  return new CallFailure(`call ${url.origin}${url.pathname}: ${says}`, { cause, code, hint })
}
