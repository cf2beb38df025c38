import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import { type RunningProgram, startProgram } from './program.ts'

/** tcpdump on an interface: what really was on the wire. */
export interface Capture {
  /** One line a packet, oldest first; the last may be half printed as long as it runs. */
  lines(): string[]
  /** Waits for a packet whose line matches. */
  sees(pattern: RegExp, seconds?: number): Promise<void>
  /** Ends it; what it has printed is whole packets. */
  stop(): Promise<void>
}

/** Listens already when this resolves. */
export async function startCapture(
  namespace: NetworkNamespace,
  interfaceName: string,
  filter: string,
): Promise<Capture> {
  const tcpdump: RunningProgram = startProgram(namespace, 'sh', [
    '-c',
    // stderr says when it listens.
    'exec tcpdump --immediate-mode -l -n -v -i "$0" "$1" 2>&1',
    interfaceName,
    filter,
  ])
  await tcpdump.says(/listening on/)
  return {
    // With -v a packet's further lines are indented.
    lines: () =>
      tcpdump
        .stdout()
        .replaceAll(/\n\s+/g, ' ')
        .split('\n')
        .filter((line) => / IP /.test(line)),
    async sees(pattern, seconds) {
      await tcpdump.says(pattern, seconds)
    },
    async stop() {
      await tcpdump.end('SIGTERM')
    },
  }
}
