// The API, run by MongoDB's shell, which brings both Node.js and the driver.
const http = require('http');

const uri = 'mongodb://ratings:' + encodeURIComponent(process.env.MONGODB_PASSWORD) + '@' + process.env.MONGODB_HOSTS +
  '/ratings?replicaSet=rs0&authSource=ratings&serverSelectionTimeoutMS=4000';
let connection;

async function items() {
  connection = connection || await connect(uri);
  return connection.getCollection('items');
}

async function body(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > 4096) throw new Error('too much');
  }
  return JSON.parse(text);
}

async function answer(request) {
  const path = request.url.split('?')[0];
  if (path === '/healthz') return [200, {ok: true}];
  if (path === '/readyz') {
    await (await items()).findOne({});
    return [200, {ok: true}];
  }
  if (path === '/api/items' && request.method === 'GET') return [200, await (await items()).find({}).sort({name: 1}).toArray()];
  const rated = path.match(/^\/api\/items\/([a-z-]{1,40})\/ratings$/);
  if (rated && request.method === 'POST') {
    const {stars} = await body(request);
    if (!Number.isInteger(stars) || stars < 1 || stars > 5) return [400, {error: 'stars is a whole number from 1 to 5'}];
    const result = await (await items()).updateOne({_id: rated[1]}, {$inc: {votes: 1, sum: stars}});
    return result.matchedCount ? [201, {ok: true}] : [404, {error: 'no such item'}];
  }
  return [404, {error: 'not found'}];
}

const server = http.createServer(async (request, response) => {
  let code, value;
  try {
    [code, value] = await answer(request);
  } catch (problem) {
    print(request.method + ' ' + request.url + ': ' + problem.message);
    [code, value] = [503, {error: 'the database does not answer'}];
    connection = undefined;
  }
  response.writeHead(code, {'Content-Type': 'application/json'});
  response.end(JSON.stringify(value));
});

server.listen(8080);
print('listening on 8080');
await new Promise((resolve) => process.once('SIGTERM', () => server.close(resolve)));
