/** Readings of live video, steadied over the last frames. */

const FRAMES = 12; // that vote on a time
const MINUTES_ON_DIAL = 720;
const FORGOTTEN = 500; // milliseconds after which a clock that is no longer seen is dropped

function center(reading) {
  return [reading.box[0] + reading.box[2] / 2, reading.box[1] + reading.box[3] / 2];
}

function isSame(track, reading) {
  const [x, y] = center(reading);
  const size = Math.max(reading.box[2], reading.box[3]);
  return Math.hypot(track.x - x, track.y - y) < size / 2;
}

function minutesApart(a, b) {
  const apart = Math.abs(a - b) % MINUTES_ON_DIAL;
  return Math.min(apart, MINUTES_ON_DIAL - apart);
}

/** Return the time with the most confidence within a minute of it, and its mean confidence. */
function winner(votes) {
  const weigh = (minutes) =>
    votes.reduce((sum, v) => sum + (minutesApart(v.minutes, minutes) <= 1 ? v.confidence : 0), 0);
  const own = (minutes) =>
    votes.reduce((sum, v) => sum + (v.minutes === minutes ? v.confidence : 0), 0);
  const rank = (vote) => weigh(vote.minutes) + 0.01 * own(vote.minutes);
  const best = votes.reduce((a, b) => (rank(b) > rank(a) ? b : a));
  return { minutes: best.minutes, confidence: weigh(best.minutes) / votes.length };
}

export class Steady {
  #tracks = [];

  /** Take the readings of a frame; return them with the steadied time and confidence. */
  update(readings, now, timeText) {
    this.#tracks = this.#tracks.filter((track) => now - track.seen < FORGOTTEN);
    const free = new Set(this.#tracks);
    return readings.map((reading) => {
      let track = [...free].find((one) => isSame(one, reading));
      if (track) free.delete(track);
      else this.#tracks.push((track = { votes: [] }));
      [track.x, track.y] = center(reading);
      track.seen = now;
      track.votes = [...track.votes, reading].slice(-FRAMES);
      const { minutes, confidence } = winner(track.votes);
      return { ...reading, minutes, confidence, time: timeText(minutes, reading.hours) };
    });
  }
}
