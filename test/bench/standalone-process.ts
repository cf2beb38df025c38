import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import * as z from 'zod'
import { createKubeStore, type KubeStore } from '../../src/kube/client.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

/** The compiled program as a process, in a namespace or not, with a client to its API. */
export interface StandaloneProcess {
  store: KubeStore
  close(): Promise<void>
}

type Spawn = (
  command: string,
  args: string[],
  options: { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
) => ChildProcess

export async function startStandaloneProcess(options: {
  spawn?: Spawn
  networks?: string[]
}): Promise<StandaloneProcess> {
  const directory = await mkdtemp(path.join(tmpdir(), 'managed-dhcp-bench-'))
  const socket = createServer()
  await new Promise<void>((resolve) => socket.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const networks = (options.networks ?? []).flatMap((network) => ['--network', network])
  const child = (options.spawn ?? spawn)(
    process.execPath,
    [
      packageFile('dist', 'src', 'main.js'),
      ...['--log-level', 'warn', 'standalone', '--data-dir', directory, '--listen', 'inherited', ...networks],
    ],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  const ready = once(child, 'message')
  child.send({}, socket, () => socket.close())
  const [message] = await ready
  const { kubeconfig } = z.object({ kubeconfig: z.string() }).parse(message)
  const store = createKubeStore({
    kubeconfig,
    log: pino({ level: 'silent' }),
    clock: systemClock,
    rateLimit: { requestsPerSecond: 100_000, burst: 100_000 },
  })
  return {
    store,
    async close() {
      store.close()
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}
