import { Option } from 'commander'
import { hostAndPort } from './parse.ts'

export function healthOption(address: string): Option {
  return new Option('--health <host:port>', 'where /healthz, /readyz and /metrics are served')
    .default(hostAndPort(address), address)
    .argParser(hostAndPort)
}
