/**
 * What can be typed after `cservice`, known without a gateway: for the help and to tell commands from file names. A test
 * holds it against the commands that are registered.
 */
export interface KnownUsage {
  readonly usage: string
  readonly summary: string
  readonly example: string
}

export const knownUsages: readonly KnownUsage[] = [
  usage('proxy start <proxy.json>', 'Starts the gateway here, or the proxy of one that runs', 'proxy start proxy.json'),
  usage('proxy info', 'Shows versions, workers and proxy processes', 'proxy info'),
  usage('proxy promote <version> [n]', 'Makes a version live, with n workers', 'proxy promote v3 4'),
  usage(
    'proxy rollout <version> <share>',
    'Gives a share of the clients another version, in steps',
    'proxy rollout v4 10%',
  ),
  usage('proxy rollout pause|resume|abort|status', 'Steers the rollout that is going on', 'proxy rollout status'),
  usage('proxy mirror <version> <share>|off', 'Sends copies of requests to a version', 'proxy mirror v4 5%'),
  usage(
    'proxy deploy <source> [options]',
    'Takes in a new version: a tarball, a folder, or -',
    'proxy deploy app.tgz --promote',
  ),
  usage('proxy pack <version|folder> [file]', 'Packs a version or a folder into a tarball', 'proxy pack v3 v3.tgz'),
  usage('proxy rollback [n]', 'Makes the version live again that was live before', 'proxy rollback'),
  usage('proxy history [n]', 'Shows what was made live, when and by whom', 'proxy history 50 --version v3'),
  usage('proxy diff <version> <other>', 'Shows what differs between two versions', 'proxy diff v3 v4'),
  usage('proxy versions', 'Lists the versions on disk, with their size, age and last use', 'proxy versions'),
  usage('proxy remove <version>', 'Removes a version from disk', 'proxy remove v2'),
  usage('proxy version <version> [n]', 'Runs n workers of a version; 0 stops it', 'proxy version v2 1'),
  usage(
    'proxy why [method] <path> [-H …]',
    'Tells where a request would go, and why',
    "proxy why GET /a -H 'x-version: ^2'",
  ),
  usage('proxy stop', 'Stops the proxy, gracefully; the service goes on', 'proxy stop'),
  usage('start <worker> [options]', 'Adds workers to the service, one at a time', 'start server.js {"count":2}'),
  usage('restart all|<pid>', 'Replaces workers, new before old', 'restart all'),
  usage('upgrade all|<pid> <worker>', 'Replaces workers with those of another file', 'upgrade all server2.js'),
  usage('health', 'Says OK, or what is wrong', 'health'),
  usage('info', 'Shows the resources that the workers use', 'info'),
  usage('workers [simple|details]', 'Lists the worker processes', 'workers'),
  usage('shutdown all|<pid>', 'Stops workers gracefully; with all of them, the service', 'shutdown all'),
  usage('exit now', 'Ends the service at once', 'exit now'),
  usage('doctor [proxy.json]', 'Looks at all that a gateway needs, and says what to do', 'doctor proxy.json'),
  usage('version', 'Shows the version of the service', 'version'),
  usage('help [command]', 'Explains a command', 'help proxy'),
]

export const knownCommands: readonly string[] = [...new Set(knownUsages.map(commandOf))]

/** Those that need no service: the command line carries them out itself. */
export const localCommands: readonly string[] = ['doctor']

/** The first word of a usage. */
export function commandOf(known: KnownUsage): string {
  return known.usage.split(' ', 1)[0] ?? ''
}

function usage(text: string, summary: string, example: string): KnownUsage {
  return { usage: text, summary, example: `cservice ${example}` }
}
