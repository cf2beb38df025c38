import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as z from 'zod'
import { freePort } from '../../support/nats-server.ts'
import type { Manifest } from './kustomize.ts'
import { container, workload } from './workloads.ts'

export interface DeployedBroker {
  readonly port: number
  readonly url: string
  readonly monitor: string
  readonly pidFile: string
  /** What it has said so far. */
  output(): string
  close(): Promise<void>
}

export interface BrokerOptions {
  /** The data of the Secret. */
  secret: Readonly<Record<string, string>>
  /** Addresses differ on one machine: changes of a file, and of a variable. */
  file?: (text: string) => string
  variable?: (text: string) => string
  name?: string
}

const configMapSchema = z.object({ data: z.record(z.string(), z.string()) })

/**
 * The real nats-server with the files and the environment of a built overlay. Its flags, which win over the file, move
 * it to free ports of the loopback interface.
 */
export async function startDeployedBroker(
  manifests: readonly Manifest[],
  { secret, file = (text) => text, variable = (text) => text, name = 'managed-dhcp-nats-0' }: BrokerOptions,
): Promise<DeployedBroker> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mdhcp-broker-'))
  const config = manifests.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && /^managed-dhcp-nats-\w+$/.test(metadata.name),
  )
  for (const [file_, text] of Object.entries(configMapSchema.parse(config).data))
    writeFileSync(path.join(folder, file_), file(text))

  const main = container(workload(manifests, 'managed-dhcp-nats'), 'nats')
  const environment: Record<string, string> = {}
  for (const { name: key, value, valueFrom } of main.env) {
    const found = value ?? secret[valueFrom?.secretKeyRef?.key ?? ''] ?? name
    const expanded = found.replaceAll(/\$\((\w+)\)/g, (whole, other) => environment[other] ?? whole)
    environment[key] = variable(expanded)
  }

  const [port, monitorPort] = [await freePort(), await freePort()]
  const pidFile = path.join(folder, 'pid')
  const args = main.args.map((arg) => arg.replace('/etc/nats', folder))
  const here = ['--addr', '127.0.0.1', '--port', `${port}`, '--http_port', `${monitorPort}`, '--pid', pidFile]
  const child = spawn('nats-server', [...args, ...here], {
    env: { PATH: `${process.env.PATH}:/usr/sbin`, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', (chunk) => {
    output += String(chunk)
  })
  const close = async () => {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const broker: DeployedBroker = {
    port,
    url: `nats://127.0.0.1:${port}`,
    monitor: `http://127.0.0.1:${monitorPort}`,
    pidFile,
    output: () => output,
    close,
  }
  try {
    await untilHealthy(broker, child)
    return broker
  } catch (error) {
    await close()
    throw error
  }
}

async function untilHealthy({ monitor, output }: DeployedBroker, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt++) {
    const answer = await fetch(`${monitor}/healthz`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nats-server did not become healthy: ${output()}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
