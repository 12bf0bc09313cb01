#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { mainOfDaemon } from './start-daemon.ts'

process.exit(await mainOfDaemon(process.argv.slice(2), fileURLToPath(new URL('./cservice.js', import.meta.url))))
