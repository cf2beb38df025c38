#!/usr/bin/env node
import { runCommandLine } from './cli/command-line.ts'

process.exitCode = await runCommandLine(process.argv.slice(2))
// Whatever had been started when something failed must not keep a process alive that cannot do its work.
if (process.exitCode !== 0) process.exit()
