import { readFileSync } from 'node:fs'
import { runCommand } from '../../../src/network/command.ts'
import { packageFile } from '../../../src/runtime/package-root.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'

/** The commands under a heading of deploy/README.md, one text a block. @throws Error when there are none */
export function readmeCommands(heading: string): string[] {
  const text = readFileSync(packageFile('deploy', 'README.md'), 'utf8')
  const [, chapter] = text.split(`\n## ${heading}\n`)
  const [body = ''] = (chapter ?? '').split('\n## ')
  const blocks = [...body.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  if (blocks.length === 0) throw new Error(`deploy/README.md has no commands under "${heading}"`)
  return blocks
}

/** The block of a chapter that has this in it. @throws Error when there is none, or more than one */
export function readmeCommand(heading: string, part: string): string {
  const [found, ...others] = readmeCommands(heading).filter((block) => block.includes(part))
  if (found === undefined || others.length > 0)
    throw new Error(`deploy/README.md does not have "${part}" once under "${heading}"`)
  return found
}

/** Runs it as somebody does who stands in the project's folder. @throws CommandFailedError */
export async function runAsDocumented({ kubeconfig }: ControlPlane, script: string): Promise<string> {
  const environment = { ...process.env, KUBECONFIG: kubeconfig }
  const { stdout } = await runCommand(
    'bash',
    ['-euo', 'pipefail', '-c', `cd "$0"; ${script}`, packageFile()],
    { environment },
  )
  return stdout
}
