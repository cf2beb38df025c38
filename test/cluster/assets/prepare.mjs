// All that the cluster tests cannot get inside their namespaces, where there is no network: what is missing is built or
// fetched, once: node test/cluster/assets/prepare.mjs
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SCRIPTS = ['build.mjs', '../../deploy/tools/build.mjs', '../guest/prepare.mjs']

for (const script of SCRIPTS) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  // Progress and failures are told on stderr.
  const { status } = spawnSync(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
