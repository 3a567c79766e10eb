// One task with @platformatic/kafka: node --input-type=module - TASK ARGUMENTS < platformatic.mjs, run where the
// packages are installed.
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

const [task, text] = process.argv.slice(2)
const asked = JSON.parse(text)
const common = { clientId: 'platformatic', bootstrapBrokers: [asked.bootstrap], timeout: 10000 }

async function produce () {
  const producer = new Producer({ ...common, idempotent: true, serializers: stringSerializers })
  const messages = asked.messages.map(message => ({ topic: asked.topic, ...message }))
  const sent = await producer.send({ messages, acks: -1, compression: asked.codec })
  await producer.close()
  return sent.offsets.map(({ partition, offset }) => ({ partition, baseOffset: Number(offset), errorCode: 0 }))
}

async function consume () {
  const consumer = new Consumer({
    ...common, groupId: asked.group, deserializers: stringDeserializers, groupProtocol: asked.protocol ?? 'classic'
  })
  const stream = await consumer.consume({
    topics: [asked.topic], autocommit: false, mode: 'committed', fallbackMode: 'earliest', maxWaitTime: 500,
    ...(asked.protocol ? {} : { sessionTimeout: 6000, heartbeatInterval: 500 })
  })
  const taken = []
  for await (const message of stream) {
    taken.push({
      offset: Number(message.offset),
      key: message.key ?? null,
      value: message.value ?? null,
      headers: Object.fromEntries(message.headers)
    })
    if (taken.length === asked.commit) await message.commit()
    if (taken.length === asked.count) break
  }
  await consumer.close(true)
  return taken
}

async function administer () {
  const admin = new Admin(common)
  const made = await admin.createTopics({
    topics: [asked.topic], partitions: 3, replicas: 1, configs: [{ name: 'cleanup.policy', value: 'compact' }]
  })
  const { topics } = await admin.metadata({ topics: [asked.topic] })
  const groups = await admin.listGroups()
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: 2, resourceName: asked.topic, configurationKeys: ['cleanup.policy'] }]
  })
  const [offsets] = await admin.listOffsets({
    topics: [{ name: asked.topic, partitions: [0, 1, 2].map(partitionIndex => ({ partitionIndex, timestamp: -1n })) }]
  })
  await admin.deleteTopics({ topics: [asked.topic] })
  const left = await admin.listTopics()
  await admin.close()
  return {
    made: made.length === 1,
    partitions: topics.get(asked.topic).partitionsCount,
    groups: [...groups.keys()],
    policy: described.configs[0].value,
    offsets: offsets.partitions.length,
    gone: !left.includes(asked.topic)
  }
}

async function deleteRecords () {
  const admin = new Admin(common)
  const [{ partitions }] = await admin.deleteRecords({
    topics: [{ name: asked.topic, partitions: [{ partition: 0, offset: BigInt(asked.offset) }] }]
  })
  const [latest] = await admin.listOffsets({
    topics: [{ name: asked.topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
  })
  await admin.close()
  return { low: Number(partitions[0].lowWatermark), high: Number(latest.partitions[0].offset) }
}

async function transact () {
  const producer = new Producer({ ...common, transactionalId: asked.id, idempotent: true, serializers: stringSerializers })
  for (const end of ['abort', 'commit']) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic: asked.topic, value: end }] })
    await transaction[end]()
  }
  await producer.close()
  return 'done'
}

const result = await { produce, consume, administer, deleteRecords, transact }[task]()
process.stdout.write(JSON.stringify(result))
process.exit(0)
