/**
 * Right-sized roles: which operating point each role of a crew plays at, and who may verify whom.
 *
 * Essay "The Shape of a Working Multi-Agent System", part 7: a cheap planner, a frontier coder, and a verifier that is
 * cheap and different, since errors of one family agree with each other.
 */
import { relativeCost, type OperatingPoint } from '../../machines/governor/operating-point.ts';
import { RoutingConfigError } from '../budget/config-error.ts';
import { familyOf, type RouteRow, type Router } from './router.ts';

/** The points of the usual roles. Ours; override by giving points of your own. */
export const ROLES = Object.freeze({
  planner: { tempo: 'moderato', dynamics: 'p' },
  author: { tempo: 'presto', dynamics: 'ff' },
  verifier: { tempo: 'allegro', dynamics: 'mf' },
} as const satisfies Record<string, OperatingPoint>);

/**
 * The route of a verifier for an author: the row nearest to `point` if its family differs, else the row of another
 * family whose cost is nearest to that of the point.
 *
 * @throws RoutingConfigError when every row of the table is of the author's family
 */
export function verifierFor(
  router: Router,
  author: RouteRow,
  point: OperatingPoint = ROLES.verifier,
): RouteRow {
  const family = familyOf(author);
  const first = router.route(point);
  if (familyOf(first) !== family) return first;
  const wanted = Math.log(relativeCost(point));
  const off = (row: RouteRow) => Math.abs(Math.log(relativeCost(row)) - wanted);
  const others = router.table.filter((row) => familyOf(row) !== family).sort((a, b) => off(a) - off(b));
  if (others[0] !== undefined) return others[0];
  throw new RoutingConfigError(
    'table',
    `every model is of the family '${family}', so none may verify what it wrote`,
    'Add a row with a model of another family, or set `family` where one provider serves several.',
  );
}
