import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { CommandFailedError, CommandNotFoundError, runCommand } from '../network/command.ts'

/** Programs of the lab and the Debian packages that bring them. */
const PACKAGES = {
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  udhcpc: 'udhcpc',
  dhclient: 'isc-dhcp-client',
  dhcpcd: 'dhcpcd-base',
} as const

export type LabTool = keyof typeof PACKAGES

const REQUIRED: readonly LabTool[] = ['ip', 'unshare', 'nsenter', 'mount']
/** Often not in the PATH of ordinary users. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** Network namespaces cannot be made here; the message says what to do about it. */
export class LabUnavailableError extends Error {
  override readonly name = 'LabUnavailableError'
}

/** The environment in which the lab's programs are found, whoever runs it. */
export function labEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: searchPath().join(delimiter) }
}

/** The full path of a program, or undefined when it is not installed. */
export function findTool(tool: LabTool): string | undefined {
  return searchPath()
    .map((folder) => join(folder, tool))
    .find(isExecutable)
}

/** @throws LabUnavailableError that names the package to install */
export function requireTool(tool: LabTool): string {
  const path = findTool(tool)
  if (path !== undefined) return path
  throw new LabUnavailableError(
    `the program "${tool}" is not installed: install the package ${PACKAGES[tool]}, e.g. apt-get install ${PACKAGES[tool]}`,
  )
}

/**
 * Makes sure that namespaces can be made, by making one.
 * @throws LabUnavailableError with one message that says what is missing and what to run
 */
export async function checkLabRights(): Promise<void> {
  for (const tool of REQUIRED) requireTool(tool)
  try {
    await runCommand(
      requireTool('unshare'),
      [
        '--net',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs tmpfs /run && ip link add lab0 type veth peer name lab1',
      ],
      { environment: labEnvironment() },
    )
  } catch (cause) {
    if (!(cause instanceof CommandFailedError) && !(cause instanceof CommandNotFoundError)) throw cause
    throw new LabUnavailableError(explainMissingRights(cause), { cause })
  }
}

function explainMissingRights(cause: Error): string {
  const reason = cause instanceof CommandFailedError ? cause.stderr.trim().split('\n')[0] : cause.message
  const advice =
    process.getuid?.() === 0
      ? 'in a container, start it with --privileged (or --cap-add SYS_ADMIN --cap-add NET_ADMIN and a seccomp ' +
        'and AppArmor profile that allow unshare and mount)'
      : 'run it as root (sudo), or without root in namespaces of your own: unshare --user --map-root-user --net npm start'
  return `cannot make network namespaces here (${reason}): ${advice}`
}

function searchPath(): string[] {
  return [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
