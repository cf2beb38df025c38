// Which kubectl will do. Plain JavaScript, without dependencies of its own: needed before anything is built.
import { spawnSync } from 'node:child_process'

/** Older ones do not know all that the kustomizations of deploy/ say. */
const OLDEST_MINOR = 27

/** @param version e.g. "1.32.4", in any spelling that begins so */
export function isNewEnough(version) {
  const [major, minor] = /^v?(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? [0, 0]
  return major > 1 || (major === 1 && minor >= OLDEST_MINOR)
}

/** What is wrong with the kubectl of the PATH, and what to do; undefined when it will do. */
export function kubectlProblem() {
  const { error, stdout } = spawnSync('kubectl', ['version', '--client', '--output=json'], {
    encoding: 'utf8',
  })
  const version = /"gitVersion": *"v(\d[^"]*)"/.exec(stdout ?? '')?.[1]
  if (version !== undefined && isNewEnough(version)) return undefined
  const found = version === undefined ? 'the kubectl here does not say its version' : `this is ${version}`
  const problem = error?.code === 'ENOENT' ? 'there is none' : found
  return `kubectl 1.${OLDEST_MINOR} or later is needed, and ${problem}: see https://kubernetes.io/docs/tasks/tools/`
}
