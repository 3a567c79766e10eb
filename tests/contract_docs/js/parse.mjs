// Prints what the AsyncAPI parser has to say about the document on standard input, and what it found in it.
import { readFileSync } from 'node:fs'
import parser from '@asyncapi/parser'

const { document, diagnostics } = await new parser.Parser().parse(readFileSync(0, 'utf8'))
const found = document && {
  version: document.version(),
  channels: document.channels().all().map(channel => channel.address()),
  operations: document.operations().all().map(operation => operation.id()),
  messages: document.messages().all().map(message => message.name())
}
process.stdout.write(JSON.stringify({
  diagnostics: diagnostics.map(({ code, message, path, severity }) => ({ code, message, path, severity })),
  found
}))
