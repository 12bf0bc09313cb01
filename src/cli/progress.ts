import { StatusLine } from './console/status-line.ts'

/**
 * Shows how far a command is, in one line of a terminal that is gone when the command is answered; nothing where nobody
 * would see it.
 * @param run gets a function to tell the progress to, or undefined
 */
export async function withProgress<Answer>(
  run: (onProgress?: (text: string) => void) => Promise<Answer>,
): Promise<Answer> {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return await run()
  const status = new StatusLine((text) => process.stderr.write(`\r\x1b[K${text ?? ''}`))
  const owner = {}
  try {
    return await run((text) => status.update(owner, text.slice(0, (process.stderr.columns ?? 80) - 1)))
  } finally {
    status.end(owner)
    status.close()
  }
}
