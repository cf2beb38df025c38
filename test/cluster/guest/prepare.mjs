// What a guest boots: Debian's cloud kernel and a static BusyBox, fetched once into the cache. Nothing is installed.
// Plain JavaScript: it runs before the tests, outside of their namespaces, which have no way to the internet.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { fail, say } from '../assets/say.mjs'

const KERNEL_PACKAGE = 'linux-image-cloud-amd64'
/** The drivers of the guest's network card; what they depend on comes with them. */
const DRIVERS = ['virtio_pci', 'virtio_net']

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'managed-dhcp')
const target = join(cache, 'guest')
if (!existsSync(join(target, 'modules'))) fetchGuest()

function fetchGuest() {
  if (process.arch !== 'x64') fail('the guests of the cluster tests are x86-64 machines; this is another')
  say('fetching a kernel and BusyBox for the guests of the tests (once) …')
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(join(cache, 'guest-draft-'))
  try {
    const root = join(draft, 'root')
    for (const name of [kernelImage(), 'busybox-static']) unpack(name, draft, root)
    keep(root, join(draft, 'guest'))
    rmSync(target, { recursive: true, force: true })
    renameSync(join(draft, 'guest'), target)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** The package that the current one stands for: linux-image-6.1.0-…-cloud-amd64. */
function kernelImage() {
  const find = () =>
    /Depends: (linux-image-\d\S*)/.exec(tryRun('apt-cache', ['depends', KERNEL_PACKAGE]) ?? '')?.[1]
  const known = find()
  if (known !== undefined) return known
  tryRun('apt-get', ['-qq', 'update'])
  return (
    find() ??
    fail(`apt knows no ${KERNEL_PACKAGE}: the guests of the cluster tests need Debian's package sources`)
  )
}

function unpack(name, folder, root) {
  const download = () => tryRun('apt-get', ['-qq', 'download', name], folder)
  if (download() === undefined) {
    tryRun('apt-get', ['-qq', 'update'])
    if (download() === undefined)
      fail(`"apt-get download ${name}" failed: the guests of the cluster tests need it`)
  }
  const file = readdirSync(folder).find((one) => one.startsWith(`${name}_`))
  if (file === undefined || tryRun('dpkg-deb', ['-x', join(folder, file), root]) === undefined) {
    fail(`the package ${name} cannot be unpacked`)
  }
}

/** The few files that are needed, modules by the order in which they are loaded. */
function keep(root, folder) {
  mkdirSync(join(folder, 'modules'), { recursive: true })
  const kernel = readdirSync(join(root, 'boot')).find((name) => name.startsWith('vmlinuz'))
  copyFileSync(join(root, 'boot', kernel), join(folder, 'vmlinuz'))
  copyFileSync(join(root, 'bin', 'busybox'), join(folder, 'busybox'))
  const files = new Map(modulesBelow(join(root, 'lib', 'modules')).map((file) => [moduleName(file), file]))
  const order = new Set()
  for (const name of DRIVERS) addWithDependencies(name, files, order)
  for (const [index, name] of [...order].entries()) {
    copyFileSync(files.get(name), join(folder, 'modules', `${String(index).padStart(2, '0')}-${name}.ko`))
  }
}

function addWithDependencies(name, files, order) {
  const file = files.get(name)
  // What has no file is part of the kernel itself.
  if (file === undefined || order.has(name)) return
  const depends = /\0depends=([^\0]*)\0/.exec(readFileSync(file, 'latin1'))?.[1] ?? ''
  for (const one of depends.split(',').filter(Boolean)) addWithDependencies(one, files, order)
  order.add(name)
}

function modulesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ko'))
    .map((name) => join(folder, name))
}

function moduleName(file) {
  return basename(file, '.ko').replaceAll('-', '_')
}

/** What it printed; undefined when it failed. */
function tryRun(command, args, cwd) {
  const { status, stdout } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}
