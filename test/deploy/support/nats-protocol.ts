import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One connection, spoken to in the protocol itself: https://docs.nats.io/reference/reference-protocols/nats-protocol */
export interface RawNats {
  mayPublish(subject: string): Promise<boolean>
  maySubscribe(subject: string): Promise<boolean>
  close(): void
}

export class NatsRefusedError extends Error {
  override readonly name = 'NatsRefusedError'
}

/** @throws NatsRefusedError when the broker does not let this user in */
export async function connectRaw(
  port: number,
  credentials: { user?: string; pass?: string },
): Promise<RawNats> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  const options = {
    verbose: false,
    pedantic: true,
    headers: true,
    lang: 'test',
    version: '0',
    ...credentials,
  }
  const greeting = await exchange(socket, `CONNECT ${JSON.stringify(options)}`)
  if (greeting.includes('-ERR')) {
    socket.destroy()
    throw new NatsRefusedError(greeting.trim())
  }
  let subscriptions = 0
  const isAllowed = async (line: string) => {
    const answer = await exchange(socket, line)
    if (!answer.includes('-ERR')) return true
    if (/-ERR 'Permissions Violation/.test(answer)) return false
    throw new NatsRefusedError(answer)
  }
  return {
    mayPublish: (subject) => isAllowed(`PUB ${subject} 0\r\n`),
    maySubscribe: (subject) => isAllowed(`SUB ${subject} ${++subscriptions}`),
    close: () => socket.destroy(),
  }
}

/** What comes between a line and the answer to the PING after it. */
function exchange(socket: Socket, line: string): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const done = () => {
      socket.off('data', take).off('close', done)
      resolve(received)
    }
    const take = (chunk: Buffer) => {
      received += chunk.toString()
      if (received.includes('PONG\r\n')) done()
    }
    socket.on('data', take).on('close', done)
    socket.write(`${line}\r\nPING\r\n`)
  })
}
