// The program of the test image: answers over HTTP, unless it is told to be unwell.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const isWell = !existsSync(`/state${request.url}`)
  response.writeHead(isWell ? 200 : 503)
  response.end(`${process.env.HOSTNAME} ${process.env.GREETING ?? ''}\n`)
})
server.listen(8080, () => process.stdout.write(`arguments: ${process.argv.slice(2).join(' ')}\n`))
process.on('SIGTERM', () => {
  process.stdout.write('SIGTERM\n')
  process.exit(0)
})
