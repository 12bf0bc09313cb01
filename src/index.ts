/** The library: what a worker, or a program that embeds the gateway, imports from `cservice`. */
export { CserviceError, type ErrorCode, type ErrorData } from './common/errors.ts'
export { type WorkerReadyOptions, workerReady } from './worker-ready.ts'
