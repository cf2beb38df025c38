import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../api/values/object-key.ts'
import { type LogLevel, parseLogLevel } from '../observe/log.ts'
import { UsageError } from './usage-error.ts'

/** Flag values, for commander: what they mean, or why they mean nothing. */

export function objectKey(text: string): ObjectKey {
  return meaning(() => parseObjectKey(text))
}

export function logLevel(text: string): LogLevel {
  return meaning(() => parseLogLevel(text))
}

export function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('expected a number above 0.')
  return value
}

export interface HostAndPort {
  host: string
  port: number
}

/** "127.0.0.1:8001", "[::1]:8001" */
export function hostAndPort(text: string): HostAndPort {
  const [, host, portText] = /^(\[[0-9a-f:.]+\]|[^:]+):(\d+)$/i.exec(text) ?? []
  if (host === undefined || portText === undefined) {
    throw new InvalidArgumentError('expected HOST:PORT, e.g. 127.0.0.1:8001.')
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: port(portText) }
}

/** "default/net-48=eth1", collected over several flags. */
export function networkInterface(
  text: string,
  previous: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const [network = '', interfaceName = '', ...rest] = text.split('=')
  if (rest.length > 0 || interfaceName === '' || interfaceName.length > 15 || /[\s/]/.test(interfaceName)) {
    throw new InvalidArgumentError('expected NAMESPACE/NAME=INTERFACE, e.g. default/net-48=eth1.')
  }
  return new Map([...previous, [formatObjectKey(objectKey(network)), interfaceName]])
}

/** The first line of a file that holds a secret. @throws UsageError */
export function readSecret(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  const [secret = ''] = text.split('\n')
  if (secret.trim() === '') throw new UsageError(`${file} is empty: its first line must be the token`)
  return secret.trim()
}

function meaning<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

/** An address to listen at, or "inherited". */
export function listenAddress(text: string): HostAndPort | 'inherited' {
  return text === 'inherited' ? text : hostAndPort(text)
}
