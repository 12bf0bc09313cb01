// Its supervisor; the processes that it forks run this file as well, and the library sees to the rest.
const { requirePeer } = require('./front.cjs')

const service = requirePeer('cluster-service')
if (service.isMaster) {
  service.start({ proxy: process.env.BENCH_CONFIG, workers: {}, workerCount: 1, cli: false, silent: true }, () => {})
}
