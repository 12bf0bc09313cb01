import { expect, test } from 'vitest'
import { optionsForFiles } from '../../src/supervisor/cluster-fork.ts'

test.each([
  [['--max-old-space-size=100', '-e', 'start()'], ['--max-old-space-size=100']],
  [['--input-type=module', '--eval', 'start()', '--inspect'], ['--inspect']],
  [['-pe', 'start()'], []],
  [
    ['--eval=start()', '--require', './tracing.js'],
    ['--require', './tracing.js'],
  ],
])('a program that Node was given as a text, %j, is not what the workers run', (options, left) => {
  expect(optionsForFiles(options)).toEqual(left)
})
