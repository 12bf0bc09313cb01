import { type CatalogueEntry, entry } from './error-entry.ts'

/** What a client of the gateway may be told. */
export const clientErrors = {
  BAD_REQUEST: entry(400, 1, 'The request is malformed', 'Send a request that follows RFC 9112.'),
  BAD_HOST: entry(
    400,
    1,
    'The Host header is missing, repeated or not a host',
    'Send exactly one Host header: name or address, and an optional port.',
  ),
  BAD_TARGET: entry(
    400,
    1,
    'The request target is malformed',
    'Send a path that starts with "/"; percent-encode everything that is not ASCII.',
  ),
  NO_LIVE_VERSION: entry(
    404,
    1,
    'No version was named and none is live',
    'Name a version in the version header, or make one live: cservice proxy promote <version>',
  ),
  UNKNOWN_VERSION: entry(
    404,
    1,
    'No such version',
    'cservice proxy info lists the versions; a version is a folder that holds the worker file.',
  ),
  REQUEST_TIMEOUT: entry(408, 1, 'The request head did not arrive in time', 'Send the whole head at once.'),
  BODY_TIMEOUT: entry(
    408,
    1,
    'The request body did not go on',
    'Send the body without long pauses, or raise bodyTimeout in proxy.json.',
  ),
  REQUEST_TOO_LARGE: entry(
    413,
    1,
    'The request body is too large',
    'Send a smaller body, or raise maxBodySize in proxy.json.',
  ),
  TARGET_TOO_LONG: entry(414, 1, 'The request target is too long', 'Shorten the URL.'),
  EXPECTATION_FAILED: entry(
    417,
    1,
    'The expectation cannot be met',
    'The only expectation that is understood is 100-continue.',
  ),
  HEADERS_TOO_LARGE: entry(431, 1, 'The request head is too large', 'Send fewer or shorter header fields.'),
  NOT_IMPLEMENTED: entry(
    501,
    1,
    'The method is not supported here',
    'Not supported are CONNECT, TRACE, methods that Node.js does not know, and transfer codings besides chunked.',
  ),
  INTERNAL: entry(
    500,
    1,
    'The gateway failed',
    'This is a fault of the gateway: its log has the details under this request id.',
  ),
  TARGET_UNREACHABLE: entry(
    502,
    1,
    'No worker of the version could be reached',
    'Try again; cservice proxy info shows the state of the workers.',
  ),
  TARGET_BROKE_OFF: entry(
    502,
    1,
    'The worker broke off before it answered',
    'The request may have been carried out; send it again only if that does no harm.',
  ),
  TARGET_BAD_ANSWER: entry(502, 1, 'The worker sent an answer that is not HTTP', 'Look at the log of the version.'),
  VERSION_FAILED: entry(
    503,
    1,
    'The version failed to start',
    'cservice proxy info shows why; the next request after the time in Retry-After tries again.',
  ),
  VERSION_STARTING: entry(503, 1, 'The version is still starting', 'Try again after the time in Retry-After.'),
  GATE_FULL: entry(
    503,
    1,
    'Too many requests are waiting for the version to start',
    'Try again after the time in Retry-After.',
  ),
  HTTP2_BROKEN: entry(
    400,
    1,
    'A connection spoke HTTP/2 that breaks its rules',
    'The connection was ended. Some Node lines end floods of frames like this as well, before the gateway counts them.',
  ),
  HTTP2_FLOOD: entry(
    429,
    1,
    'An HTTP/2 connection brought floods of frames that serve nothing',
    'The connection was ended with ENHANCE_YOUR_CALM; the log names the client.',
  ),
  HTTP2_RAPID_RESET: entry(
    429,
    1,
    'An HTTP/2 connection reset one request after the other',
    'The connection was ended with ENHANCE_YOUR_CALM; the log names the client.',
  ),
  HTTP2_STALLED: entry(
    408,
    1,
    'The client of an HTTP/2 stream took nothing of the answer for too long',
    'The stream was reset with ENHANCE_YOUR_CALM; read answers, or reset what is not wanted.',
  ),
  VERSION_BUSY: entry(
    503,
    1,
    'Too many requests for the version are in flight',
    'Try again after the time in Retry-After; the limit is maxRequestsInFlight in proxy.json.',
  ),
  TOO_MANY_CONNECTIONS: entry(
    503,
    1,
    'Too many connections are open',
    'Try again after the time in Retry-After; the limit is maxConnections in proxy.json.',
  ),
  VERSION_LIMIT: entry(
    503,
    1,
    'Too many versions are running, and all of them are in use',
    'Stop one (cservice proxy version <version> 0) or raise maxRunningVersions in proxy.json.',
  ),
  START_RATE_EXCEEDED: entry(
    503,
    1,
    'Too many versions are being started',
    'Try again after the time in Retry-After; the limit is onDemand.rate in proxy.json.',
  ),
  SHUTTING_DOWN: entry(503, 1, 'The gateway is shutting down', 'Try again in a moment.'),
  TARGET_SILENT: entry(
    504,
    1,
    'The worker took the request and did not answer in time',
    'Look at the log of the version, or raise answerTimeout in proxy.json.',
  ),

  // Connections that are closed without an answer: counted in cservice proxy info.
  UNTRUSTED_PEER: entry(
    400,
    1,
    'A peer that is not in trustProxy connected to a binding with proxyProtocol',
    'Add the load balancer to trustProxy in proxy.json; everybody else has to use another binding.',
  ),
  BAD_PROXY_HEADER: entry(
    400,
    1,
    'A connection did not begin with a PROXY protocol header',
    'Let the load balancer send the header (version 1 or 2), or take proxyProtocol off the binding.',
  ),
} as const satisfies Record<string, CatalogueEntry>
