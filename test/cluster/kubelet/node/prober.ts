import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createConnection } from 'node:net'
import { seconds } from '../../../../src/api/values/time.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import type { RunningContainer } from '../runtime/container.ts'
import type { Container, Probe } from '../spec/container-schema.ts'
import { ContainerConfigError } from '../spec/identity.ts'

/** Where a probe looks. */
export interface ProbeTarget {
  readonly address: string
  readonly container: RunningContainer
  readonly ports: Container['ports']
}

/** One try. @returns undefined when it succeeds, else what went wrong */
export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<string | undefined> {
  const timeout = seconds(probe.timeoutSeconds)
  if (probe.exec !== undefined) {
    const { exitCode, output } = await target.container.exec(probe.exec.command, timeout)
    return exitCode === 0 ? undefined : `exit code ${exitCode}: ${output.trim()}`
  }
  if (probe.httpGet !== undefined) {
    const { path, scheme, port } = probe.httpGet
    const url = `${scheme.toLowerCase()}://${target.address}:${portOf(port, target)}${path}`
    return httpGet(url, timeout)
  }
  if (probe.tcpSocket !== undefined)
    return connect(portOf(probe.tcpSocket.port, target), target.address, timeout)
  throw new ContainerConfigError('a probe has no handler')
}

/**
 * Tries again and again until `signal` aborts. `report` hears of every change that the thresholds allow; the state
 * before the first is that of a probe that failed.
 */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  { clock, signal, report }: { clock: Clock; signal: AbortSignal; report(problem: string | undefined): void },
): Promise<void> {
  await pause(clock, probe.initialDelaySeconds, signal)
  let succeeded = 0
  let failed = 0
  while (!signal.aborted) {
    const problem = await probeOnce(probe, target)
    if (signal.aborted) return
    succeeded = problem === undefined ? succeeded + 1 : 0
    failed = problem === undefined ? 0 : failed + 1
    if (succeeded === probe.successThreshold || failed === probe.failureThreshold) report(problem)
    await pause(clock, probe.periodSeconds, signal)
  }
}

function pause(clock: Clock, length: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(seconds(length), done)
    signal.addEventListener('abort', done)
  })
}

/** kubelet does not check certificates, and follows no more than success. */
function httpGet(url: string, timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const headers = { 'user-agent': 'kube-probe/emulated', connection: 'close' }
    const request = send(url, { agent: false, rejectUnauthorized: false, headers, timeout }, (response) => {
      const code = response.statusCode ?? 0
      response.resume()
      resolve(code >= 200 && code < 400 ? undefined : `HTTP probe failed with statuscode: ${code}`)
    })
    request.on('timeout', () => request.destroy(new Error('context deadline exceeded')))
    request.on('error', (error) => resolve(`Get "${url}": ${error.message}`))
    request.end()
  })
}

function connect(port: number, host: string, timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host, timeout })
    const done = (problem: string | undefined) => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => done(undefined))
    socket.once('timeout', () => done(`dial tcp ${host}:${port}: i/o timeout`))
    socket.once('error', (error) => done(error.message))
  })
}

function portOf(port: number | string, { ports }: ProbeTarget): number {
  if (typeof port === 'number') return port
  const named = ports.find((one) => one.name === port)
  if (named === undefined) throw new ContainerConfigError(`there is no port "${port}"`)
  return named.containerPort
}
