import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseReplication, ReplicaMap, Ring, type RingNode } from './replicas.ts'

interface Node extends RingNode {
  readonly name: number
}

/**
 * Clusters, each node as `dc:rack:tokens`, and the replicas of tokens by the nodes' places, as SimpleStrategy and NetworkTopologyStrategy
 * of Cassandra 4.1.10 have calculated them.
 */
const CLUSTERS: readonly (readonly [
  nodes: string,
  rows: readonly (readonly [replication: string, token: bigint, replicas: string])[],
])[] = [
  [
    'dc0:r2:2929069565662196885:6534641774490691789 dc0:r2:2061394531914824523:-5857722823531101238 dc0:r0:4938078608866372816:6803307141411299354 dc0:r2:-759738915113377014:-3841224238051638255',
    [
      ['S2', -759738915113377014n, '3 1'],
      ['S2', -759738915113377014n, '3 1'],
      ['S2', -759738915113377014n, '3 1'],
      ['S2', 2061394531914824523n, '1 0'],
      ['S2', -3501554471435941036n, '3 1'],
      ['S2', -5519334637527004995n, '3 1'],
      ['N:dc0=4', 2061394531914824523n, '1 0 2 3'],
      ['N:dc0=4', 2929069565662196885n, '0 2 1 3'],
      ['N:dc0=4', -759738915113377014n, '3 1 0 2'],
      ['N:dc0=4', 4938078608866372816n, '2 0 1 3'],
      ['N:dc0=4', -1667605734280578501n, '3 1 0 2'],
      ['N:dc0=4', -3046082740318995029n, '3 1 0 2'],
      ['N:dc0=4', 9197316388931651779n, '1 3 0 2'],
      ['N:dc0=4', -4863239270730798749n, '3 1 0 2'],
      ['N:dc0=4', -1978352434085504266n, '3 1 0 2'],
      ['N:dc0=4', -364518717536730710n, '1 0 2 3'],
    ],
  ],
  [
    'dc0:r1:9069866434747782403:-2666456254411167700 dc0:r0:7121001741639335632:1023269015753211969 dc0:r0:4249755149867423927:3415741455645548991 dc0:r1:-7817243218680898522:6342108675124196757 dc0:r0:9134194696773298737:-6912165772206580127 dc0:r1:7046163621996139835:-7755015505970625958',
    [
      ['S3', 4249755149867423927n, '2 3 5'],
      ['S3', 9069866434747782403n, '0 4 3'],
      ['S3', 7046163621996139835n, '5 1 0'],
      ['S3', 7121001741639335632n, '1 0 4'],
      ['S3', -8289925824065513333n, '3 5 4'],
      ['S3', -237055988207711197n, '1 2 3'],
      ['N:dc0=2', -7817243218680898522n, '3 4'],
      ['N:dc0=2', 7046163621996139835n, '5 1'],
      ['N:dc0=2', -7817243218680898522n, '3 4'],
      ['N:dc0=2', 9069866434747782403n, '0 4'],
      ['N:dc0=2', -8176449516359862577n, '3 4'],
      ['N:dc0=2', -8488267545041163965n, '3 4'],
      ['N:dc0=2', 1398984813288827051n, '2 3'],
      ['N:dc0=2', 8883513627209653267n, '0 4'],
      ['N:dc0=2', 8149791144600380029n, '0 4'],
      ['N:dc0=2', 7468801802205265870n, '0 4'],
    ],
  ],
  [
    'dc0:r1:-3327232208053074748 dc1:r2:-9092892113056555325 dc2:r1:-7143042668829677047 dc2:r2:-999995200888374484 dc0:r2:-7295643184200697746 dc2:r0:-1332863948798747034 dc0:r2:-4582692570175198497 dc1:r2:-1329268695116770817 dc2:r1:-3318126911638036053',
    [
      ['S2', -3318126911638036053n, '8 5'],
      ['S2', -1329268695116770817n, '7 3'],
      ['S2', -7295643184200697746n, '4 2'],
      ['S2', -1329268695116770817n, '7 3'],
      ['S2', -7963687092686311576n, '4 2'],
      ['S2', -4442542614558290703n, '0 8'],
      ['N:dc0=1:dc1=2:dc2=4', -9092892113056555325n, '1 4 2 8 5 7 3'],
      ['N:dc0=1:dc1=2:dc2=4', -3318126911638036053n, '8 5 7 3 1 4 2'],
      ['N:dc0=1:dc1=2:dc2=4', -3318126911638036053n, '8 5 7 3 1 4 2'],
      ['N:dc0=1:dc1=2:dc2=4', -3327232208053074748n, '0 8 5 7 3 1 2'],
      ['N:dc0=1:dc1=2:dc2=4', 7652592672276429941n, '1 4 2 8 5 7 3'],
      ['N:dc0=1:dc1=2:dc2=4', -2406396271194249373n, '5 7 3 1 4 2 8'],
      ['N:dc0=1:dc1=2:dc2=4', 2751536370600111153n, '1 4 2 8 5 7 3'],
      ['N:dc0=1:dc1=2:dc2=4', -6905922910166799654n, '6 8 5 7 3 1 2'],
      ['N:dc0=1:dc1=2:dc2=4', 4898964751177821656n, '1 4 2 8 5 7 3'],
      ['N:dc0=1:dc1=2:dc2=4', -1576106446252439463n, '5 7 3 1 4 2 8'],
    ],
  ],
  [
    'dc2:r0:-7145261110973826872 dc1:r0:8959442204146760034 dc1:r0:-7091036576352387154 dc2:r0:4038277647313252818 dc0:r0:-5934839928475943696 dc1:r0:8285866863599337881 dc1:r0:7720313504010670980 dc0:r0:-8731134153662250886 dc1:r0:-4795165276496194924',
    [
      ['S2', 7720313504010670980n, '6 5'],
      ['S2', 4038277647313252818n, '3 6'],
      ['S2', 8285866863599337881n, '5 1'],
      ['S2', -4795165276496194924n, '8 3'],
      ['S2', 660979310096603218n, '3 6'],
      ['S2', -8210757007008038720n, '0 2'],
      ['N:dc0=0:dc1=4:dc2=3', 8959442204146760034n, '1 0 2 8 3 6'],
      ['N:dc0=0:dc1=4:dc2=3', -7091036576352387154n, '2 8 3 6 5 0'],
      ['N:dc0=0:dc1=4:dc2=3', -4795165276496194924n, '8 3 6 5 1 0'],
      ['N:dc0=0:dc1=4:dc2=3', -4795165276496194924n, '8 3 6 5 1 0'],
      ['N:dc0=0:dc1=4:dc2=3', -5219740426339161691n, '8 3 6 5 1 0'],
      ['N:dc0=0:dc1=4:dc2=3', -701784662380729816n, '3 6 5 1 0 2'],
      ['N:dc0=0:dc1=4:dc2=3', 7578197444844519599n, '6 5 1 0 2 3'],
      ['N:dc0=0:dc1=4:dc2=3', 5433991237907696227n, '6 5 1 0 2 3'],
      ['N:dc0=0:dc1=4:dc2=3', -5274408527411404134n, '8 3 6 5 1 0'],
      ['N:dc0=0:dc1=4:dc2=3', 9032600916180382021n, '0 2 8 3 6 5'],
    ],
  ],
  [
    'dc1:r1:8056404211440640862:-21386531994668185:-8232549745125442521 dc0:r0:-9098859445628592567:-6268371315146361268:-7151625437566023365 dc0:r2:934012225925159065:481028468537289546:2706663049159758787 dc1:r3:2335713904887952117:665060372527354363:-5312529368264416957 dc0:r1:-865977478625252460:6952536175326254397:7032558307164593590',
    [
      ['S1', -9098859445628592567n, '1'],
      ['S1', -865977478625252460n, '4'],
      ['S1', 8056404211440640862n, '0'],
      ['S1', 934012225925159065n, '2'],
      ['S1', 1975931963204548570n, '3'],
      ['S1', -4563654990512816141n, '4'],
      ['N:dc0=0:dc1=2', -865977478625252460n, '0 3'],
      ['N:dc0=0:dc1=2', 2335713904887952117n, '3 0'],
      ['N:dc0=0:dc1=2', 934012225925159065n, '3 0'],
      ['N:dc0=0:dc1=2', -9098859445628592567n, '0 3'],
      ['N:dc0=0:dc1=2', 3762969242782516120n, '0 3'],
      ['N:dc0=0:dc1=2', -8410755571607122514n, '0 3'],
      ['N:dc0=0:dc1=2', -8520331721104875630n, '0 3'],
      ['N:dc0=0:dc1=2', -6408945108411608136n, '3 0'],
      ['N:dc0=0:dc1=2', 894931949249957820n, '3 0'],
      ['N:dc0=0:dc1=2', -3062747518577967562n, '0 3'],
    ],
  ],
  [
    'dc2:r0:6318321288819527315:-9147382935786006137:2666644962700183540 dc2:r1:-4923047369908557758:-849757028603448855:1113286348020848580 dc0:r1:-4299554870140572086:4638171200518619807:-4490019253132227671 dc1:r1:-5193820193278450953:5831147589639227995:-2835455356925153547 dc1:r1:-4483555021147631979:-288456467213589558:-5262870564113199490',
    [
      ['S4', -4923047369908557758n, '1 2 4 3'],
      ['S4', -4923047369908557758n, '1 2 4 3'],
      ['S4', -4483555021147631979n, '4 2 3 1'],
      ['S4', -4923047369908557758n, '1 2 4 3'],
      ['S4', 253931586299353305n, '1 0 2 3'],
      ['S4', 7179739943647470990n, '0 4 3 1'],
      ['N:dc0=2:dc1=3:dc2=4', -4299554870140572086n, '2 3 1 4 0'],
      ['N:dc0=2:dc1=3:dc2=4', -4923047369908557758n, '1 2 4 3 0'],
      ['N:dc0=2:dc1=3:dc2=4', -4299554870140572086n, '2 3 1 4 0'],
      ['N:dc0=2:dc1=3:dc2=4', -5193820193278450953n, '3 1 2 4 0'],
      ['N:dc0=2:dc1=3:dc2=4', -2112252015994066268n, '1 4 0 2 3'],
      ['N:dc0=2:dc1=3:dc2=4', -2838486874103024042n, '3 1 4 0 2'],
      ['N:dc0=2:dc1=3:dc2=4', -1220175775260798575n, '1 4 0 2 3'],
      ['N:dc0=2:dc1=3:dc2=4', -2719003138140272301n, '1 4 0 2 3'],
      ['N:dc0=2:dc1=3:dc2=4', 2154103848295685777n, '0 2 3 4 1'],
      ['N:dc0=2:dc1=3:dc2=4', -6254280426669166760n, '4 3 1 2 0'],
    ],
  ],
  [
    'dc1:r0:-829996732398652955:4661120795954917735:-2376049238552600001 dc0:r0:-3252874538284587386:8122949855055009286:8800760743600437995 dc0:r1:-428542268527607616:-3330997094276628157:1038150696639830810 dc0:r1:-890913687527486470:-4334491034598519347:-5540025533844184308 dc0:r0:7984903488339337014:913197191198390541:9019126499453277020 dc1:r1:5194389270501567119:7134838347374498682:-9061961134478804824 dc1:r1:2644569250443879722:-3074158894879045816:3592683790233489522 dc2:r1:-8908217951008395276:-2269715878804237791:-1860159633083025874 dc2:r0:8010076427502942597:2757668334060603496:-728606605207439982',
    [
      ['S1', -428542268527607616n, '2'],
      ['S1', 2644569250443879722n, '6'],
      ['S1', 7984903488339337014n, '4'],
      ['S1', 5194389270501567119n, '5'],
      ['S1', -3982537142280832157n, '2'],
      ['S1', -3615060071550791517n, '2'],
      ['N:dc0=2:dc1=3:dc2=4', -3252874538284587386n, '1 6 0 7 3 8 5'],
      ['N:dc0=2:dc1=3:dc2=4', -890913687527486470n, '3 0 8 4 6 5 7'],
      ['N:dc0=2:dc1=3:dc2=4', -8908217951008395276n, '7 3 1 6 0 8 5'],
      ['N:dc0=2:dc1=3:dc2=4', 2644569250443879722n, '6 8 0 5 4 7 3'],
      ['N:dc0=2:dc1=3:dc2=4', 366012348100338053n, '4 2 6 8 0 5 7'],
      ['N:dc0=2:dc1=3:dc2=4', 8746844377097678980n, '1 5 7 3 6 0 8'],
      ['N:dc0=2:dc1=3:dc2=4', 6800948755975282067n, '5 4 8 7 3 6 0'],
      ['N:dc0=2:dc1=3:dc2=4', -104378061748617134n, '4 2 6 8 0 5 7'],
      ['N:dc0=2:dc1=3:dc2=4', -485460407475177386n, '2 4 6 8 0 5 7'],
      ['N:dc0=2:dc1=3:dc2=4', -4288038981281526840n, '2 1 6 0 7 8 5'],
    ],
  ],
]

function nodesOf(text: string): { ring: Ring<Node>; nodes: Node[] } {
  const nodes: Node[] = []
  const places: { token: bigint; node: Node }[] = []
  for (const [name, each] of text.split(' ').entries()) {
    const [datacenter, rack, ...tokens] = each.split(':')
    const node = { name, datacenter: datacenter!, rack: rack! }
    nodes.push(node)
    for (const token of tokens) places.push({ token: BigInt(token), node })
  }
  return { ring: new Ring(places), nodes }
}

/** `S3`, or `N:dc1=3:dc2=2`. */
function options(text: string): Map<string, string> {
  const [strategy, ...factors] = text.split(':')
  if (strategy!.startsWith('S')) return new Map([['class', 'org.apache.cassandra.locator.SimpleStrategy'], ['replication_factor', strategy!.slice(1)]]) // prettier-ignore
  return new Map([['class', 'NetworkTopologyStrategy'], ...factors.map((each) => each.split('=') as [string, string])])
}

for (const [text, rows] of CLUSTERS)
  test(`replicas are the server's in ${text}`, () => {
    const { ring } = nodesOf(text)
    for (const [replication, token, replicas] of rows) {
      const map = new ReplicaMap(ring, parseReplication(options(replication))!)
      for (let twice = 0; twice < 2; twice++) {
        const names = map.of(token).map((node) => node.name)
        assert.equal(names.join(' '), replicas, `${replication} ${token}`)
      }
    }
  })

test('what is replicated in another way, or has no ring, has no replicas', () => {
  assert.equal(parseReplication(new Map([['class', 'org.apache.cassandra.locator.LocalStrategy']])), null)
  assert.equal(parseReplication(new Map([['class', 'com.example.Own']])), null)
  assert.equal(parseReplication(new Map()), null)
  assert.deepEqual(new ReplicaMap(new Ring<Node>([]), { strategy: 'simple', factor: 3 }).of(0n), [])
  const everywhere = parseReplication(new Map([['class', 'org.apache.cassandra.locator.EverywhereStrategy']]))!
  const { ring } = nodesOf('a:r:1 a:r:2 b:r:3')
  assert.equal(new ReplicaMap(ring, everywhere).of(2n).length, 3)
})

test('a transient replica is a replica, a factor that is no number is none', () => {
  const network = parseReplication(new Map([['class', 'NetworkTopologyStrategy'], ['a', '3/1'], ['b', 'x'], ['c', '0']]))! // prettier-ignore
  assert.deepEqual(network, { strategy: 'network', factors: new Map([['a', 3], ['b', 0], ['c', 0]]) }) // prettier-ignore
})

test('each data centre has its replicas, none twice, and no rack twice while there are others', () => {
  const nodes = fc.array(
    fc.record({ datacenter: fc.constantFrom('a', 'b'), rack: fc.constantFrom('1', '2', '3'), tokens: fc.array(fc.bigInt({ min: -50n, max: 50n }), { minLength: 1, maxLength: 4 }) }), // prettier-ignore
    { minLength: 1, maxLength: 9 },
  )
  fc.assert(
    fc.property(nodes, fc.nat({ max: 4 }), fc.bigInt({ min: -60n, max: 60n }), (all, factor, token) => {
      const ring = new Ring(all.flatMap((node) => node.tokens.map((each) => ({ token: each, node }))))
      const replicas = new ReplicaMap(ring, { strategy: 'network', factors: new Map([['a', factor]]) }).of(token)
      const own = [...ring.nodes].filter((node) => node.datacenter === 'a')
      assert.equal(replicas.length, Math.min(factor, own.length))
      assert.equal(new Set(replicas).size, replicas.length)
      const racks = new Set(own.map((node) => node.rack)).size
      assert.equal(new Set(replicas.map((node) => node.rack)).size, Math.min(replicas.length, racks))
      assert.ok(replicas.every((node) => node.datacenter === 'a'))
    }),
  )
})
