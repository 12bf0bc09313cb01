import { openConsole } from '../cli/console/open.ts'
import { SharedTerminal } from '../cli/console/shared-terminal.ts'
import { userName } from '../supervisor/control/user-name.ts'
import type { RunningService } from './running-service.ts'

/** The console of a service that a program runs with `cli: true`: on its terminal, or for lines that come from a pipe. */
export class ServiceConsole {
  /** What else writes to this terminal goes through here. */
  readonly terminal = new SharedTerminal()

  /** Opens it until it is left or the service stops. Ctrl-C stops the service. */
  open(service: RunningService): void {
    const caller = { level: 'inproc', name: userName() } as const
    const opened = openConsole({
      kind: 'own',
      shared: this.terminal,
      runLine: (line, onProgress) => service.registry.run(line, caller, { onProgress }),
    })
    void service.stopped.then(() => opened.close())
    void opened.ended.then(({ reason }) => {
      if (reason === 'interrupt') void service.stop('Ctrl-C')
    })
  }
}
