import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Makes one JavaScript file of a TypeScript entry, so that a plain `node` can run it inside a namespace
 * (Node.js 20 reads no TypeScript). It lies under node_modules so that packages are found from there.
 * @param entry relative to the project, e.g. 'src/lab/small-client-main.ts'
 * @returns the path of the file
 */
export async function bundleForNode(entry: string): Promise<string> {
  const name = createHash('sha256').update(`${entry}\0${process.pid}`).digest('hex').slice(0, 16)
  const outDir = join(ROOT, 'node_modules', '.cache', 'managed-dhcp-test', name)
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }))
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(ROOT, entry),
      outDir,
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'entry.mjs', chunkFileNames: '[name].mjs' } },
    },
  })
  return join(outDir, 'entry.mjs')
}
