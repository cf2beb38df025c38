import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDER = join(ROOT, 'node_modules', '.cache', 'managed-dhcp-test')

/**
 * Makes one JavaScript file of a TypeScript entry, so that a plain `node` can run it inside a namespace
 * (Node.js 20 reads no TypeScript). It lies under node_modules so that packages are found from there.
 * @param entry relative to the project, e.g. 'src/lab/small-client-main.ts'
 * @returns the path of the file, which is named by its content
 */
export async function bundleForNode(entry: string): Promise<string> {
  const code = await bundle(entry)
  const file = join(FOLDER, `${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`)
  // Others may make the same one at the same time, in this process too.
  const draft = `${file}.${randomUUID()}`
  await mkdir(FOLDER, { recursive: true })
  await writeFile(draft, code)
  await rename(draft, file)
  return file
}

async function bundle(entry: string): Promise<string> {
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(ROOT, entry),
      write: false,
      target: 'node20',
      rolldownOptions: { output: { codeSplitting: false } },
    },
  })
  const [result] = Array.isArray(built) ? built : [built]
  const chunk = result !== undefined && 'output' in result ? result.output[0] : undefined
  if (chunk === undefined) throw new Error(`${entry} cannot be bundled`)
  return chunk.code
}
