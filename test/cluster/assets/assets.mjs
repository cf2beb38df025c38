// The programs of a Kubernetes control plane: which, where from, where they are kept.
// Plain JavaScript: `npm run test:cluster` and CI call it before anything is installed.
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The Go module whose go.mod says which versions. */
export const TOOLS = fileURLToPath(new URL('../tools/', import.meta.url))

/** Program → its Go package, in the order in which they are built. */
export const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
}

/** What a folder of envtest holds (https://book.kubebuilder.io/reference/envtest). */
export const ENVTEST_PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl']

/** The Kubernetes version, and the Go that it needs: `{ kubernetes: '1.37.2', go: '1.26.0' }`. */
export function versions() {
  const module = readFileSync(join(TOOLS, 'go.mod'), 'utf8')
  const find = (pattern) => {
    const found = pattern.exec(module)?.[1]
    if (found === undefined) throw new Error(`${join(TOOLS, 'go.mod')} has no ${pattern}`)
    return found
  }
  return { kubernetes: find(/^\s*k8s\.io\/kubernetes v(\S+)$/m), go: find(/^go (\S+)$/m) }
}

/** How each is built: small, without C, and with the version of go.mod stamped in, as `kubectl version` shows it. */
export function buildFlags() {
  const { kubernetes } = versions()
  const [major, minor] = kubernetes.split('.')
  const stamps = { gitVersion: `v${kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const values = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) =>
    Object.entries(stamps).map(([name, value]) => `-X ${path}.${name}=${value}`),
  )
  return [
    '-mod=readonly',
    '-buildvcs=false',
    '-trimpath',
    '-p',
    '2',
    '-ldflags',
    ['-s', '-w', ...values].join(' '),
  ]
}

/** Where the built programs are kept; another folder for other versions or flags. */
export function cacheFolder() {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'tools.go']) hash.update(readFileSync(join(TOOLS, file)))
  hash.update(JSON.stringify([buildFlags(), PACKAGES, process.platform, process.arch]))
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const name = `kubernetes-${versions().kubernetes}-${hash.digest('hex').slice(0, 12)}`
  return join(cache, 'managed-dhcp', name)
}

/** Program → the file to run, undefined where it is still to be built. */
export function findPrograms() {
  const given = process.env.KUBEBUILDER_ASSETS
  const places = Object.keys(PACKAGES).map((name) => {
    const folders = [...(given && ENVTEST_PROGRAMS.includes(name) ? [given] : []), cacheFolder()]
    return [name, folders.map((folder) => join(folder, name)).find(isExecutable)]
  })
  return Object.fromEntries(places)
}

export function missingPrograms() {
  return Object.entries(findPrograms()).flatMap(([name, file]) => (file === undefined ? [name] : []))
}

/** A new folder with a link to each program that is there. */
export function linkPrograms() {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-programs-'))
  for (const [name, file] of Object.entries(findPrograms())) {
    if (file !== undefined) symlinkSync(file, join(folder, name))
  }
  return folder
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
