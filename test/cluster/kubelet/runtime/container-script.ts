import { posix } from 'node:path'
import type { Identity } from '../spec/identity.ts'

export interface Bind {
  readonly from: string
  readonly to: string
  readonly readOnly: boolean
}

/** All that a container's file system and process are made of. */
export interface ContainerSetup {
  readonly hostname: string
  /** An empty folder: the container's own layer is mounted there, seen by nobody else. */
  readonly layerFolder: string
  /** With `hosts`, `resolv.conf` and `hostname`, which show in /etc; they may be replaced while it runs. */
  readonly etcFolder: string
  /** In the order in which they are mounted. */
  readonly binds: readonly Bind[]
  readonly identity: Identity
  readonly workingDir: string
  readonly commandLine: readonly string[]
}

/** Empty in every container: what this machine has there belongs to no image. */
const EMPTY_FOLDERS = ['/tmp', '/var/tmp', '/run', '/root', '/home', '/mnt']
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Sets up a container in mount and UTS namespaces that are its own already, and runs it. The first process that is
 * forked is process 1 of the new PID namespace, and becomes the container's program; the shell waits for it and ends as
 * it did (unshare --fork does not tell SIGKILL from exit code 1). On descriptor 3 it says `pid N` (as seen from outside) and, when all is set up, `ready`.
 *
 * The root is this machine's root with a layer of its own over it, so nothing that is written reaches this machine.
 * Links are followed inside the new root only: volumes are mounted after pivot_root(2).
 */
export function containerScript(setup: ContainerSetup): string {
  const layer = quote(setup.layerFolder)
  const { readOnlyRoot } = setup.identity
  return `(
set -e
container_path=$PATH; PATH=${SYSTEM_PATH}
setpriv=$(command -v setpriv)
mount() { command mount -n "$@"; }
read -r pid _ </proc/self/stat
echo "pid $pid" >&3
printf %s ${quote(setup.hostname)} >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=0755 layer ${layer}
cd ${layer}
mkdir -m 0755 upper work root empty
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work root root
mkdir root/.old
cd root
pivot_root . .old
cd /
layer=/.old${layer}
${EMPTY_FOLDERS.map(emptyFolder).join('\n')}
mount -t tmpfs -o mode=0755 dev /dev
for device in ${DEVICES.join(' ')}; do
  : >/dev/$device
  mount --bind /.old/dev/$device /dev/$device
done
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mkdir -m 1777 /dev/shm
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t sysfs -o ro sysfs /sys
mkdir -p /etc/.pod
mount --bind /.old${quote(setup.etcFolder)} /etc/.pod
mount -o remount,bind,ro /etc/.pod
for file in hosts resolv.conf hostname; do
  rm -f /etc/$file
  ln -s .pod/$file /etc/$file
done
bind() {
  if [ -d "/.old$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; [ -e "$2" ] || : >"$2"; fi
  mount --rbind "/.old$1" "$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$2"; fi
}
${setup.binds.map(bindLine).join('\n')}
umount -n -l /.old
rmdir /.old
${readOnlyRoot ? ['/', ...EMPTY_FOLDERS].map(makeReadOnly).join('\n') : ''}
cd ${quote(setup.workingDir)}
echo ready >&3
exec 3>&-
PATH=$container_path; unset container_path
# A shell's background jobs ignore these two.
exec /usr/bin/env --default-signal=INT --default-signal=QUIT "$setpriv" ${setprivArguments(setup.identity).map(quote).join(' ')} -- ${setup.commandLine.map(quote).join(' ')}
) &
# It would tell of signals among the container's own words.
exec >/dev/null 2>&1
wait $!
`
}

/**
 * As runc does: the bounding set is what the container may have, nothing is inheritable or ambient. So root has all of
 * it, and another user loses it at exec.
 */
export function setprivArguments(identity: Identity): string[] {
  const { supplementalGroups, capabilities, noNewPrivileges } = identity
  return [
    `--reuid=${identity.user}`,
    `--regid=${identity.group}`,
    supplementalGroups.length === 0 ? '--clear-groups' : `--groups=${supplementalGroups.join(',')}`,
    `--bounding-set=${['-all', ...capabilities.map((name) => `+${name}`)].join(',')}`,
    '--inh-caps=-all',
    ...(noNewPrivileges ? ['--no-new-privs'] : []),
  ]
}

function emptyFolder(folder: string, index: number): string {
  const mode = folder.endsWith('tmp') ? '1777' : '0755'
  const source = `"$layer/empty/${index}"`
  return `mkdir -m ${mode} ${source}; mkdir -p ${folder}; mount --bind ${source} ${folder}`
}

function bindLine({ from, to, readOnly }: Bind): string {
  return `bind ${quote(from)} ${quote(posix.normalize(to))} ${readOnly ? 'ro' : 'rw'}`
}

function makeReadOnly(folder: string): string {
  return `mount -o remount,bind,ro ${folder}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
