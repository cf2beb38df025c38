import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  type SpawnOptions,
  spawn,
} from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import {
  CommandFailedError,
  CommandNotFoundError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from '../network/command.ts'
import { LabUnavailableError, labEnvironment, requireTool } from './tools.ts'

/**
 * A network namespace with a mount namespace of its own, in which programs cannot touch the host's
 * /etc/resolv.conf, /run or lease files.
 *
 * It needs no name in /run/netns: a child process holds it, whose stdin is a pipe from us. When we end, even by
 * kill -9, the pipe closes, the holder kills every program that is left inside and ends, and the kernel
 * takes the namespace away with all its interfaces.
 */
export interface NetworkNamespace {
  readonly name: string
  /** The holder's process id, for `ip link … netns PID` and `nsenter -t PID`. */
  readonly pid: number
  /** @throws CommandFailedError @throws CommandNotFoundError */
  exec(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** The program runs in a process group of its own: Ctrl-C on our terminal does not reach it. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
  /** The same with pipes for stdin, stdout and stderr. */
  spawnPiped(command: string, args: readonly string[]): ChildProcessWithoutNullStreams
  /** Where a file inside is seen from here. */
  path(inside: string): string
  /** Ends the programs inside; the namespace and its interfaces are gone when this resolves. */
  close(): Promise<void>
}

/** Lease files and sockets of DHCP clients and resolvers: empty and private in every namespace. */
const PRIVATE_FOLDERS = ['/run', '/var/lib/dhcp', '/var/lib/dhcpcd', '/var/lib/NetworkManager']
const PRIVATE_FILES = ['/etc/resolv.conf', '/etc/hosts', '/etc/ntp.conf']
/** In /run, so that it is on the namespace's own tmpfs and leaves nothing behind. */
export const LAB_FOLDER = '/run/managed-dhcp-lab'

const HOLDER_SCRIPT = `
set -e
for file in ${PRIVATE_FILES.join(' ')}; do
  if [ -e "$file" ]; then files="$files $(readlink -f "$file")"; fi
done
for folder in ${PRIVATE_FOLDERS.join(' ')}; do
  if [ -d "$folder" ]; then mount -t tmpfs -o mode=0755 lab "$folder"; fi
done
mkdir -p ${LAB_FOLDER}
for file in $files; do
  mkdir -p "$(dirname "$file")"
  [ -e "$file" ] || : > "$file"
  : > "${LAB_FOLDER}/$(basename "$file")"
  mount --bind "${LAB_FOLDER}/$(basename "$file")" "$file"
done
mount -t sysfs sysfs /sys 2>/dev/null || true
for scope in all default; do
  echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6 2>/dev/null || true
done
ip link set lo up
echo ready
while read -r _; do :; done
own=$(readlink /proc/self/ns/net)
for pass in 1 2; do
  for process in $(ls -l /proc/[0-9]*/ns/net 2>/dev/null | grep -F -- "-> $own" | sed 's#.* /proc/\\([0-9]*\\)/ns/net.*#\\1#'); do
    if [ "$process" != "$$" ]; then kill -9 "$process" 2>/dev/null || true; fi
  done
done
`

/**
 * @param name for messages only
 * @throws LabUnavailableError when the rights or tools are missing
 */
export async function createNamespace(name: string): Promise<NetworkNamespace> {
  const holder = spawn(requireTool('unshare'), ['--net', '--mount', 'sh', '-c', HOLDER_SCRIPT], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: labEnvironment(),
  })
  await untilReady(name, holder)
  return new HeldNamespace(name, holder)
}

function untilReady(name: string, holder: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaint = ''
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 4096)
    })
    holder.stdout.once('data', () => resolve())
    holder.once('error', (cause) =>
      reject(new LabUnavailableError(`cannot make namespace ${name}: ${cause.message}`, { cause })),
    )
    holder.once('close', () =>
      reject(new LabUnavailableError(`cannot make namespace ${name}: ${complaint.trim() || 'holder ended'}`)),
    )
  })
}

class HeldNamespace implements NetworkNamespace {
  readonly name: string
  readonly pid: number
  readonly #holder: ChildProcessWithoutNullStreams
  readonly #ended: Promise<unknown>

  constructor(name: string, holder: ChildProcessWithoutNullStreams) {
    if (holder.pid === undefined) throw new LabUnavailableError(`cannot make namespace ${name}`)
    this.name = name
    this.pid = holder.pid
    this.#holder = holder
    this.#ended = holder.exitCode === null ? once(holder, 'close') : Promise.resolve()
    holder.stdin.on('error', () => {})
  }

  async exec(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    try {
      return await runCommand(requireTool('nsenter'), this.#enter(command, args), {
        environment: labEnvironment(),
        ...options,
      })
    } catch (error) {
      if (error instanceof CommandFailedError && /^nsenter: failed to execute/.test(error.stderr)) {
        throw new CommandNotFoundError(command, { cause: error })
      }
      throw error
    }
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn(requireTool('nsenter'), this.#enter(command, args), {
      env: labEnvironment(),
      ...options,
      detached: true,
    })
  }

  spawnPiped(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(requireTool('nsenter'), this.#enter(command, args), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: labEnvironment(),
      detached: true,
    })
  }

  path(inside: string): string {
    return join(`/proc/${this.pid}/root`, inside)
  }

  async close(): Promise<void> {
    this.#holder.stdin.end()
    await this.#ended
  }

  #enter(command: string, args: readonly string[]): string[] {
    return ['--target', String(this.pid), '--net', '--mount', command, ...args]
  }
}
