import type { ChannelClient } from './channel-client.cts'
import type { ProcessMetrics } from './channel-protocol.ts' with { 'resolution-mode': 'import' }

const intervalMs = 5_000
const sampleMs = 500

/**
 * Reports memory and event-loop delay of this process from now on; see ProcessMetrics. Does not keep it alive.
 * @param more figures that go with each report
 * @param bornAt seconds by `process.uptime()` at which the life that is reported began
 * @returns reports at once, too
 */
export function reportMetrics(
  channel: ChannelClient,
  more: () => Pick<ProcessMetrics, 'net'> = () => ({}),
  bornAt = 0,
): () => void {
  const delays = sampleDelay()
  const report = () => {
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
    const { mean, max } = delays.take()
    const metrics = {
      rss,
      heapTotal,
      heapUsed,
      external,
      arrayBuffers,
      uptime: process.uptime() - bornAt,
      title: process.title,
      hrtime: process.hrtime(),
    }
    channel.send({
      type: 'metrics',
      metrics: { ...metrics, eventLoopDelayMean: mean, eventLoopDelayMax: max, ...more() },
    })
  }
  setInterval(report, intervalMs).unref()
  return report
}

/** How late a timer fires, in milliseconds: what every other callback of this process waited as well. */
function sampleDelay(): { take(): { mean: number; max: number } } {
  let due = performance.now() + sampleMs
  let sum = 0
  let count = 0
  let max = 0
  setInterval(() => {
    const late = Math.max(0, performance.now() - due)
    due = performance.now() + sampleMs
    sum += late
    count += 1
    max = Math.max(max, late)
  }, sampleMs).unref()
  return {
    take() {
      const result = { mean: count === 0 ? 0 : sum / count, max }
      sum = count = max = 0
      return result
    },
  }
}
