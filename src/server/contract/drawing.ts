import type { Machine } from '../../contracts/compiled.js';
import type { DrawnBox, DrawnEdge, Drawing } from '../api/contract.js';
import { drawnLinks, placesOf, type Everywhere, type Link, type Place } from './places.js';

/** Measures of one orientation; "main" is along the line of states, "cross" leads to what stands beside it. */
interface Measures {
  readonly upright: boolean;
  readonly width: number;
  readonly height: number;
  /** From box to box along the main line; null: as much as the words between them need. */
  readonly pitch: number | null;
  /** Room between the two rows, without lanes. */
  readonly channel: number;
  readonly lane: number;
}

const ACROSS: Measures = { upright: false, width: 124, height: 44, pitch: null, channel: 62, lane: 16 };
const UPRIGHT: Measures = { upright: true, width: 146, height: 38, pitch: 74, channel: 36, lane: 9 };
/** Width of a letter of the machines' font. */
const LETTER = 6.4;
/** From line to line of a note. */
const NOTE_LINE = 13;
const START = 26;
const HEAD = 7;

/** Lays a machine out, across for wide screens and upright for narrow ones. */
export function drawMachine(machine: Machine): { readonly across: Drawing; readonly upright: Drawing } {
  return { across: draw(machine, ACROSS), upright: draw(machine, UPRIGHT) };
}

/** A point as it is thought of: along the main line, and across it. */
type Point = readonly [main: number, cross: number];

function draw(machine: Machine, measures: Measures): Drawing {
  const { links, everywhere } = drawnLinks(machine);
  const shared = everywhere === null ? [] : links.filter((link) => isShared(link, everywhere));
  const drawn = links.filter((link) => !shared.includes(link));
  const places = placesOf(machine, drawn);
  const longest = Math.max(
    ...Object.keys(machine.states).flatMap((name) => linesOf(name, measures.width).map((line) => line.length)),
  );
  // Boxes are no wider than their names need, so that a small machine is not drawn small.
  const boxWidth = measures.upright ? measures.width : Math.min(measures.width, Math.round(longest * LETTER + 30));
  const plan = new Plan(places, drawn, shared, { ...measures, width: boxWidth });
  const edges = [
    ...drawn.flatMap((link) => plan.edge(link, false)),
    ...shared.flatMap((link) => plan.edge(link, true)),
  ];
  const boxes = [...places].map(([name, place]) => plan.box(name, place, machine.states[name]?.terminal === true));
  const { width, height } = plan.size();
  const noted = boxes.find(({ name }) => name === everywhere?.to);
  const note = noted === undefined || everywhere === null ? null : noteBelow(noted, everywhere);
  return {
    width,
    height: height + (note === null ? 0 : 7 + note.lines.length * NOTE_LINE),
    boxes,
    edges,
    start: plan.start(places.get(machine.initial) ?? { column: 0, row: 0 }),
    note,
  };
}

/** What leads to a state from everywhere, in lines that begin within the drawing. */
function noteBelow({ x, y, width, height }: DrawnBox, { triggers }: Everywhere): NonNullable<Drawing['note']> {
  const letters = (x + width) / LETTER;
  const lines = triggers.slice(1).reduce(
    ([line = '', ...before], trigger) => {
      const longer = `${line}, ${trigger}`;
      return longer.length <= letters ? [longer, ...before] : [trigger, `${line},`, ...before];
    },
    [`from any state: ${triggers[0] ?? ''}`],
  );
  return { lines: lines.reverse(), x: x + width, y: y + height + 16, anchor: 'end' };
}

function isShared({ to, triggers }: Link, everywhere: Everywhere): boolean {
  return to === everywhere.to && triggers.every((trigger) => everywhere.triggers.includes(trigger));
}

/** Where everything of one drawing stands. */
class Plan {
  readonly #measures: Measures;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #links: readonly Link[];
  /** Links that go through the room between the rows, and over the top, in the order of their lanes. */
  readonly #between: readonly Link[];
  /** Of the links from everywhere at most one was taken: they share one lane. */
  readonly #sharesLane: boolean;
  readonly #over: readonly Link[];
  readonly #pitch: number;

  constructor(places: ReadonlyMap<string, Place>, links: readonly Link[], shared: readonly Link[], measures: Measures) {
    this.#places = places;
    this.#measures = measures;
    this.#links = links;
    this.#between = links.filter((link) => this.#route(link) === 'between');
    this.#sharesLane = shared.some((link) => this.#route(link) === 'between');
    this.#over = links.filter((link) => this.#route(link) === 'over');
    const words = links
      .filter((link) => this.#route(link) === 'along')
      .map((link) => Math.max(...link.triggers.map((trigger) => trigger.length)) * LETTER + 22);
    this.#pitch = measures.pitch ?? measures.width + Math.max(70, ...words);
  }

  size(): { readonly width: number; readonly height: number } {
    const columns = 1 + Math.max(...[...this.#places.values()].map(({ column }) => column));
    const rows = 1 + Math.max(...[...this.#places.values()].map(({ row }) => row));
    const main = START + 4 + (columns - 1) * this.#pitch + this.#long + 6;
    const cross = this.#top + (rows - 1) * this.#apart + this.#short + 10;
    return this.#measures.upright ? { width: cross, height: main } : { width: main, height: cross };
  }

  box(name: string, place: Place, terminal: boolean): DrawnBox {
    const [x, y] = this.#turn(this.#corner(place));
    const { width, height } = this.#measures;
    return { name, lines: linesOf(name, width), x, y, width, height, terminal };
  }

  start(place: Place): Drawing['start'] {
    const [main, cross] = this.#middle(place);
    const edge = main - this.#long / 2;
    const [x, y] = this.#turn([edge - 20, cross]);
    return { x, y, path: this.#path([edge - 16, cross], [edge - HEAD, cross]) };
  }

  /** One line a pair of states; along the main line one a trigger, since there is room. */
  edge(link: Link, onlyWhenTaken: boolean): DrawnEdge[] {
    const common = { from: link.from, to: link.to, only_when_taken: onlyWhenTaken };
    const words = `${link.triggers.join(', ')}${link.conditions === '' ? '' : ` [${link.conditions}]`}`;
    switch (this.#route(link)) {
      case 'along':
        return this.#along(link).map((edge) => ({ ...common, ...edge }));
      case 'straight':
        return [{ ...common, triggers: link.triggers, ...this.#straight(link, words) }];
      case 'between':
        return [{ ...common, triggers: link.triggers, ...this.#throughBetween(link) }];
      case 'over':
        return [{ ...common, triggers: link.triggers, ...this.#throughOver(link) }];
    }
  }

  // ---- routes

  #route({ from, to }: Link): 'along' | 'straight' | 'between' | 'over' {
    const a = this.#place(from);
    const b = this.#place(to);
    if (a.column === b.column) return 'straight';
    if (a.row !== b.row) return 'between';
    if (Math.abs(a.column - b.column) === 1) return 'along';
    return a.row === 0 ? 'over' : 'between';
  }

  #along(link: Link): Pick<DrawnEdge, 'triggers' | 'path' | 'label'>[] {
    const pair = this.#links.filter((other) => isPair(link, other));
    const lines = pair.flatMap((other) => other.triggers.map((trigger) => ({ other, trigger })));
    const [a, b] = [this.#middle(this.#place(link.from)), this.#middle(this.#place(link.to))];
    const forward = a[0] < b[0] ? 1 : -1;
    return link.triggers.map((trigger) => {
      const index = lines.findIndex((line) => line.other === link && line.trigger === trigger);
      const cross = a[1] + (index - (lines.length - 1) / 2) * 16;
      const from: Point = [a[0] + (forward * this.#long) / 2, cross];
      const to: Point = [b[0] - forward * (this.#long / 2 + HEAD), cross];
      const below = lines.length > 1 && index === lines.length - 1;
      const [x, y] = this.#turn([(from[0] + to[0]) / 2, cross]);
      const label = this.#measures.upright
        ? ({
            text: trigger,
            // Beside the last of the lines, whichever of them it is about.
            x: a[1] + ((lines.length - 1) / 2) * 16 + 8,
            y: y + 4 + (index - (lines.length - 1) / 2) * 13,
            anchor: 'start',
          } as const)
        : ({ text: trigger, x, y: below ? y + 14 : y - 7, anchor: 'middle' } as const);
      return { triggers: [trigger], path: this.#path(from, to), label };
    });
  }

  #straight(link: Link, words: string): Pick<DrawnEdge, 'path' | 'label'> {
    const pair = this.#links.filter((other) => isPair(link, other));
    const index = Math.max(0, pair.indexOf(link));
    const [a, b] = [this.#middle(this.#place(link.from)), this.#middle(this.#place(link.to))];
    const main = a[0] + (index - (pair.length - 1) / 2) * (this.#measures.upright ? 14 : 36);
    const down = a[1] < b[1] ? 1 : -1;
    const from: Point = [main, a[1] + (down * this.#short) / 2];
    const to: Point = [main, b[1] - down * (this.#short / 2 + HEAD)];
    if (this.#measures.upright) return { path: this.#path(from, to), label: null };
    const left = pair.length > 1 && index === 0;
    // Above the words of the first lane, which may begin beside it.
    const cross = this.#top + this.#short + 13;
    return {
      path: this.#path(from, to),
      label: { text: words, x: main + (left ? -8 : 8), y: cross, anchor: left ? 'end' : 'start' },
    };
  }

  #throughBetween(link: Link): Pick<DrawnEdge, 'path' | 'label'> {
    const [a, b] = [this.#place(link.from), this.#place(link.to)];
    const known = this.#between.indexOf(link);
    const lane = known < 0 ? this.#between.length : known;
    // Straight lines have their words in the upper part of the room; lanes stand below those.
    const cross = this.#top + this.#short + this.#measures.channel * 0.5 + lane * this.#measures.lane;
    const to = b.column > a.column ? 1 : -1;
    const from = this.#leave(a, to * this.#port(lane), cross);
    const into = this.#leave(b, -to * this.#port(lane), cross);
    const head = b.row === 0 ? HEAD : -HEAD;
    const points: Point[] = [from, [from[0], cross], [into[0], cross], [into[0], into[1] + head]];
    return { path: this.#path(...points), label: this.#wordsOn(link, [(from[0] + into[0]) / 2, cross]) };
  }

  #throughOver(link: Link): Pick<DrawnEdge, 'path' | 'label'> {
    const [a, b] = [this.#middle(this.#place(link.from)), this.#middle(this.#place(link.to))];
    const cross = this.#top - 20 - this.#over.indexOf(link) * 14;
    const edge = this.#top;
    const from: Point = [a[0] + 12, edge];
    const to: Point = [b[0], edge - HEAD];
    return {
      path: this.#path(from, [from[0], cross], [to[0], cross], to),
      label: this.#wordsOn(link, [(from[0] + to[0]) / 2, cross]),
    };
  }

  // ---- places

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`the machine has a transition to ${name}, which is no state of it`);
    return place;
  }

  get #long(): number {
    return this.#measures.upright ? this.#measures.height : this.#measures.width;
  }

  get #short(): number {
    return this.#measures.upright ? this.#measures.width : this.#measures.height;
  }

  get #top(): number {
    return (this.#measures.upright ? 4 : 22) + (this.#over.length > 0 ? 12 + this.#over.length * 14 : 0);
  }

  /** From the first row to the second. */
  get #apart(): number {
    return (
      this.#short +
      this.#measures.channel +
      Math.max(0, this.#between.length + (this.#sharesLane ? 1 : 0) - 1) * this.#measures.lane
    );
  }

  #corner({ column, row }: Place): Point {
    return [START + 4 + column * this.#pitch, this.#top + row * this.#apart];
  }

  #middle(place: Place): Point {
    const [main, cross] = this.#corner(place);
    return [main + this.#long / 2, cross + this.#short / 2];
  }

  #port(lane: number): number {
    return this.#measures.upright ? 6 + (lane % 2) * 6 : 24 + (lane % 3) * 9;
  }

  #leave(place: Place, aside: number, towards: number): Point {
    const [main, cross] = this.#middle(place);
    return [main + aside, towards > cross ? cross + this.#short / 2 : cross - this.#short / 2];
  }

  #wordsOn({ triggers }: Link, [main, cross]: Point): DrawnEdge['label'] {
    if (this.#measures.upright) return null;
    return { text: triggers.join(', '), x: main, y: cross - 4, anchor: 'middle' };
  }

  #turn([main, cross]: Point): Point {
    return this.#measures.upright ? [cross, main] : [main, cross];
  }

  #path(...points: readonly Point[]): string {
    return points
      .map((point, index) => {
        const [x, y] = this.#turn(point);
        return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      })
      .join('');
  }
}

function isPair(a: Link, b: Link): boolean {
  return (a.from === b.from && a.to === b.to) || (a.from === b.to && a.to === b.from);
}

/** A long name stands in two lines, broken behind its first "_". */
function linesOf(name: string, width: number): string[] {
  const at = name.indexOf('_');
  return at < 0 || name.length * LETTER < width - 24 ? [name] : [name.slice(0, at + 1), name.slice(at + 1)];
}
