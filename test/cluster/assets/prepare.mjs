// All that the cluster tests cannot get inside their namespaces, where there is no network: what is missing is built or
// fetched, once: node test/cluster/assets/prepare.mjs
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CONTROL_PLANE = 'build.mjs'
/** Of single files, which say so themselves where it is missing. */
const MORE = ['../../deploy/tools/build.mjs', '../guest/prepare.mjs']

for (const script of [CONTROL_PLANE, ...MORE]) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  // Progress and failures are told on stderr.
  const { status } = spawnSync(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] })
  // Who brings a control plane may have no Go, and no way to Debian: the other tests need neither.
  const isNeeded = script === CONTROL_PLANE || !process.env.KUBEBUILDER_ASSETS
  if (status !== 0 && isNeeded) process.exit(status ?? 1)
}
