/**
 * The one catalogue of errors. Each code has the HTTP status it is answered with, the exit code of a command that fails
 * with it, a title that never changes, and a hint: what the reader can do about it. `docs/errors.md` is held against this
 * table by a test, both ways.
 */
export interface CatalogueEntry {
  /** Status of the answer where this reaches an HTTP client. */
  readonly status: number
  /** Exit code of the command line (CONTRACT: 0 done, 1 failed, 2 wrong usage, 3 no gateway answers, 4 not authorised). */
  readonly exitCode: 1 | 2 | 3 | 4
  readonly title: string
  readonly hint: string
}

export const catalogue = {
  // What a client of the gateway may be told.
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

  // What the operator is told.
  BAD_USAGE: entry(400, 2, 'The command is not understood', 'cservice help'),
  UNKNOWN_COMMAND: entry(404, 2, 'No such command', 'cservice help lists the commands.'),
  COMMAND_FAILED: entry(
    400,
    1,
    'The command failed',
    'What it says comes from the service itself; its log may have more.',
  ),
  UNKNOWN_OPTION: entry(400, 2, 'No such option', 'cservice --help lists the options.'),
  NOT_AUTHORISED: entry(
    401,
    4,
    'Not authorised',
    'Give the access key: --accessKey <key>, or Authorization: Bearer <key>.',
  ),
  TOO_MANY_FAILURES: entry(429, 4, 'Too many wrong access keys from this address', 'Wait a minute.'),
  NO_GATEWAY: entry(
    503,
    3,
    'No gateway answers',
    'Start one: cservice proxy start proxy.json, or cservice server.js (or name its --port).',
  ),
  GATEWAY_BROKE_OFF: entry(
    502,
    1,
    'The gateway went away before it answered',
    'The command may have been carried out; cservice proxy info tells.',
  ),
  TLS_FAILED: entry(
    502,
    3,
    'The gateway could not be trusted over TLS',
    'Give the certificate of its authority (ssl.ca), or the host name that its certificate has.',
  ),
  TOO_MANY_WATCHERS: entry(503, 1, 'Too many clients watch the events', 'Close one of them, or try again later.'),
  ALREADY_RUNNING: entry(
    409,
    1,
    'It is already running',
    'cservice workers and cservice proxy info show it; --port <n> starts a second one beside it.',
  ),
  NO_PROXY: entry(400, 1, 'No proxy is running here', 'Start it: cservice proxy start proxy.json'),
  NO_ROLLOUT: entry(409, 1, 'No rollout is going on', 'Start one: cservice proxy rollout <version> 10%'),
  ROLLOUT_RUNNING: entry(
    409,
    1,
    'A rollout is going on already',
    'End it first: cservice proxy rollout abort, or cservice proxy promote <version>',
  ),
  ALREADY_LIVE: entry(
    409,
    1,
    'The version is live already',
    'There is nothing to roll out or to mirror to: all requests that name no version go to it.',
  ),
  VERSION_IN_USE: entry(
    409,
    1,
    'The version is in use',
    'Wait until nobody needs it any more, or say --force: cservice proxy remove <version> --force',
  ),
  REMOVE_FAILED: entry(
    500,
    1,
    'The version could not be removed',
    'Check that the folder of the versions can be written; the version is there as before.',
  ),
  NO_FORMER_VERSION: entry(
    409,
    1,
    'There is no version to roll back to',
    'cservice proxy history shows what was live; cservice proxy promote <version> makes any version live.',
  ),
  CONFIG_NOT_FOUND: entry(400, 1, 'The configuration file cannot be read', 'Check the path and its permissions.'),
  CONFIG_INVALID: entry(
    400,
    1,
    'The configuration is wrong',
    'Mend the values named; docs/configuration.md has every key.',
  ),
  CERTIFICATE_INVALID: entry(
    400,
    1,
    'A certificate or its key cannot be used',
    'Mend what is named; docs/tls.md says which files belong together.',
  ),
  LOCAL_AUTHORITY_FAILED: entry(
    500,
    1,
    'The local certificate authority cannot be used',
    'Its folder must belong to you and be closed to others (mode 0700); XDG_STATE_HOME chooses another place.',
  ),
  CONFIG_WRITE_FAILED: entry(
    500,
    1,
    'proxy.json could not be rewritten',
    'Check that the file and its folder can be written and that the disk is not full.',
  ),
  PORT_TAKEN: entry(500, 1, 'The port is taken by another program', 'Stop that program, or choose another port.'),
  PORT_FORBIDDEN: entry(
    500,
    1,
    'This user may not listen on the port',
    'Choose a port from 1024 upwards, or grant the right (CAP_NET_BIND_SERVICE).',
  ),
  PORTS_USED_UP: entry(
    503,
    1,
    'No port is free in versionPorts',
    'Widen versionPorts in proxy.json, or stop versions: cservice proxy version <version> 0',
  ),
  WORKER_NOT_FOUND: entry(
    400,
    1,
    'The file of a worker does not exist',
    'Paths of workers are relative to the working directory of the service; .js, .mjs, .cjs and .ts may be left out.',
  ),
  UNKNOWN_USER: entry(
    400,
    1,
    'No such user or group, or not ours to run as',
    'Name a user or group of this machine, or its number; only root may run workers as another.',
  ),
  WORKER_FAILED: entry(
    500,
    1,
    'A worker did not become ready',
    'Its last lines of output and its exit are in the details.',
  ),
  CRASH_LOOP: entry(
    500,
    1,
    'A worker exits again and again',
    'Its last lines of output and its exit are in the details.',
  ),
  NO_WORKER: entry(503, 1, 'No worker is there to do it', 'cservice workers lists the workers.'),
  TOO_MANY_CALLS: entry(
    503,
    1,
    'Too many calls of the worker are under way',
    'Wait for answers before you call again.',
  ),
  UNHEALTHY: entry(
    503,
    1,
    'The service is not well',
    'cservice workers, cservice proxy info and the log have the details.',
  ),
  VERSION_EXISTS: entry(
    409,
    1,
    'There is such a version already',
    'A version is never changed once it is in: give the release another name (--as <name>).',
  ),
  RELEASE_REFUSED: entry(
    422,
    1,
    'The archive of a release is refused',
    'Nothing of it was kept. docs/releases.md says what an archive may hold.',
  ),
  RELEASE_TOO_LARGE: entry(
    413,
    1,
    'The release is too large',
    'Leave out what is not needed, or raise maxReleaseSize or maxReleaseFiles in proxy.json.',
  ),
  RELEASE_NOT_WRITTEN: entry(
    507,
    1,
    'The release could not be written',
    'Nothing of it was kept. Make room, or mend what is named, and deploy again.',
  ),
  INSTALL_FAILED: entry(
    500,
    1,
    'The install step of a release failed',
    'Nothing of the release was kept. The log that is named has all that it said.',
  ),
  TRIAL_FAILED: entry(
    500,
    1,
    'The trial start of a release failed',
    'Nothing of the release was kept. The details have the last lines of what it said.',
  ),
  TIMED_OUT: entry(504, 1, 'It took too long', 'Try again, or give it a longer timeout.'),
  NOT_ACKNOWLEDGED: entry(
    500,
    1,
    'A proxy process did not take over the new routes',
    'Everything was put back; the proxy process named may hang.',
  ),
  CANCELLED: entry(503, 1, 'It was cancelled', 'The service is stopping, or another command took its place.'),
  BODY_TOO_LARGE: entry(413, 1, 'The body is too large', 'A command has at most 1 MiB.'),
  UNSAFE_DIRECTORY: entry(
    500,
    1,
    'The directory of the control socket is not safe',
    'It must belong to you and be closed to others (mode 0700).',
  ),
} as const satisfies Record<string, CatalogueEntry>

function entry(status: number, exitCode: CatalogueEntry['exitCode'], title: string, hint: string): CatalogueEntry {
  return { status, exitCode, title, hint }
}
