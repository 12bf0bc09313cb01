/**
 * Ends this process at once, as `kill -9` would, where the environment variable CSERVICE_FAULT_POINT names this place. Lets a
 * test stop a change that consists of several steps between any two of them.
 * @param name `<change>:<what has just been done>`
 */
export function faultPoint(name: string): void {
  if (process.env.CSERVICE_FAULT_POINT === name) process.kill(process.pid, 'SIGKILL')
}
