// Makes the replica set, the application's user and the sample data, each
// where it is not there. It may run any number of times.
const fs = require('fs');

const hosts = process.env.MONGODB_HOSTS.split(',');
const login = 'mongodb://root:' + encodeURIComponent(process.env.ROOT_PASSWORD) + '@';

const first = connect(login + hosts[0] + '/admin?directConnection=true&serverSelectionTimeoutMS=20000');
try {
  first.adminCommand({replSetGetStatus: 1});
} catch (problem) {
  if (problem.codeName !== 'NotYetInitialized') throw problem;
  first.adminCommand({replSetInitiate: {_id: 'rs0', members: [{_id: 0, host: hosts[0]}]}});
  print('replica set rs0 begun with ' + hosts[0]);
}

const admin = connect(login + hosts[0] + '/admin?replicaSet=rs0&serverSelectionTimeoutMS=60000');
for (const host of hosts) {
  const config = admin.adminCommand({replSetGetConfig: 1}).config;
  if (config.members.some((member) => member.host === host)) continue;
  config.members.push({_id: Math.max(...config.members.map((member) => member._id)) + 1, host});
  config.version++;
  admin.adminCommand({replSetReconfig: config});
  print('member ' + host + ' added');
}

const ratings = admin.getSiblingDB('ratings');
if (!ratings.getUser('ratings')) {
  ratings.createUser({user: 'ratings', pwd: process.env.MONGODB_PASSWORD, roles: [{role: 'readWrite', db: 'ratings'}]});
  print('user ratings made');
}
if (process.env.SEED === 'true' && ratings.items.countDocuments({}) === 0) {
  ratings.items.insertMany(JSON.parse(fs.readFileSync('/code/items.json', 'utf8')));
  print('sample data loaded');
}
