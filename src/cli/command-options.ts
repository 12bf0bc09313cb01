/** Options of commands themselves, which travel with their words; whether each takes a value. */
const optionsOf: ReadonlyArray<readonly [command: string, options: Readonly<Record<string, boolean>>]> = [
  [
    'proxy rollout',
    { '--steps': true, '--every': true, '--guard': true, '--workers': true, '--dry-run': false, '--dryRun': false },
  ],
]

/**
 * Takes the options of a command out of a command line, so that they are not taken for those of `cservice` itself, of which
 * some have the same name.
 * @returns what is left, and the words that follow those of the command
 */
export function takeCommandOptions(argv: readonly string[]): {
  readonly left: readonly string[]
  readonly words: readonly string[]
} {
  const line = argv.join(' ')
  const [, options] = optionsOf.find(([command]) => new RegExp(`(^| )${command}( |$)`).test(line)) ?? []
  if (options === undefined) return { left: argv, words: [] }
  const left: string[] = []
  const words: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    const takesValue = options[word.replace(/=.*/s, '')]
    if (takesValue === undefined) left.push(word)
    else {
      words.push(word)
      const next = argv[index + 1]
      if (takesValue && !word.includes('=') && next !== undefined) {
        words.push(next)
        index++
      }
    }
  }
  return { left, words }
}
