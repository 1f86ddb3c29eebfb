const list = document.getElementById('items');
const state = document.getElementById('state');

async function show() {
  const answer = await fetch('api/items');
  if (!answer.ok) throw new Error('the API answered ' + answer.status);
  const items = await answer.json();
  list.replaceChildren(...items.map(row));
  state.textContent = items.length + ' kinds of fruit';
}

function row(item) {
  const li = document.createElement('li');
  const name = document.createElement('span');
  name.textContent = item.name + ': ' + (item.votes ? (item.sum / item.votes).toFixed(1) : 'not rated yet');
  const votes = document.createElement('span');
  for (let stars = 1; stars <= 5; stars++) {
    const b = document.createElement('button');
    b.textContent = stars;
    b.setAttribute('aria-label', 'Rate ' + item.name + ' with ' + stars);
    b.addEventListener('click', () => rate(item, stars));
    votes.append(b);
  }
  li.append(name, votes);
  return li;
}

async function rate(item, stars) {
  try {
    const answer = await fetch('api/items/' + encodeURIComponent(item._id) + '/ratings', {
      method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({stars}),
    });
    if (!answer.ok) throw new Error('the API answered ' + answer.status);
    await show();
  } catch (problem) { fail(problem); }
}

function fail(problem) { state.textContent = 'That did not work: ' + problem.message; }

show().catch(fail);
