// What the build of the control plane needs, and what of an envtest folder fits to it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { findPrograms, versions } from './assets.mjs'
import { fail } from './say.mjs'

/** Where the archive of go.dev is unpacked to, unless it is said. */
const USUAL_PLACE = join(process.env.GOROOT || '/usr/local/go', 'bin', 'go')

/** The path of a Go that is new enough, or what is to be done where there is none. */
export function findGo() {
  const needed = versions()
  const found = ['go', USUAL_PLACE].map((go) => ({ go, version: versionOf(go) }))
  const usable = found.find(({ version }) => version !== undefined && isAtLeast(version, needed.go))
  if (usable !== undefined) return { go: usable.go }
  const [old] = found.flatMap(({ version }) => version ?? [])
  return {
    problem:
      `building Kubernetes ${needed.kubernetes} for the cluster tests needs Go ${needed.go} or later, and ` +
      `${old === undefined ? 'there is none' : `this is Go ${old}`}: install it from https://go.dev/dl/ ` +
      '(the golang package of Debian 12 is too old)',
  }
}

/** Controllers must not be newer than the API server: https://kubernetes.io/releases/version-skew-policy/ */
export function checkEnvtest() {
  const file = findPrograms()['kube-apiserver']
  const given = process.env.KUBEBUILDER_ASSETS
  if (!given || file !== join(given, 'kube-apiserver')) return
  const found = /v(\d+\.\d+)/.exec(output(file, ['--version']))?.[1]
  const [major, minor] = versions().kubernetes.split('.')
  if (found === `${major}.${minor}`) return
  fail(
    `KUBEBUILDER_ASSETS holds kube-apiserver ${found ?? 'of no known version'}, the tests are made for ` +
      `${major}.${minor}: "setup-envtest use ${major}.${minor}", or unset it to have one built`,
  )
}

function versionOf(go) {
  return /^go version go(\d+\.\d+(\.\d+)?)/.exec(output(go, ['version']))?.[1]
}

function output(command, args) {
  return (
    spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } }).stdout ?? ''
  )
}

function isAtLeast(version, needed) {
  const [have, want] = [version, needed].map((text) => text.split('.').map(Number))
  const differs = want.findIndex((number, index) => number !== (have[index] ?? 0))
  return differs === -1 || (have[differs] ?? 0) > want[differs]
}
