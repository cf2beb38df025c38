import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { packageFile } from '../../../src/runtime/package-root.ts'

const run = promisify(execFile)
let folder: Promise<string> | undefined

/** A program of test/deploy/tools, built at its first use. */
export async function tool(name: 'helm' | 'dockerfile-lint'): Promise<string> {
  folder ??= run(process.execPath, [packageFile('test', 'deploy', 'tools', 'build.mjs')]).then(({ stdout }) =>
    stdout.trim(),
  )
  return path.join(await folder, name)
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs to the end, whatever the end is. */
export async function outcomeOf(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, [...args], { maxBuffer: 1 << 26, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
    )
  })
}
