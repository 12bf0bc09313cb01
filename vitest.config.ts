import { defineConfig } from 'vitest/config'
import { ProcessesFirst } from './test/support/processes-first.ts'

export default defineConfig({
  // Vite leaves `.cts` alone unless it is told; the agent and the channel's end in a worker are CommonJS.
  oxc: { include: /\.(?:[mc]?ts|[jt]sx)$/ },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // Processes are started, stopped and counted here: a test file has its own process. Most of its time it waits for them, or for
    // a limit of time, and so more of them run at once than there are cores, also where there are only two.
    pool: 'forks',
    maxWorkers: 6,
    sequence: { sequencer: ProcessesFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A test that passes at the second try has failed.
    retry: 0,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,cts}'],
      reporter: ['text-summary', 'html'],
    },
  },
})
