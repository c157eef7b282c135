const Z = 1.959964;

/** Wilson's 95 % interval of a share, in per cent; null without anything to divide by. */
export function wilson(count: number, n: number): { low: number; high: number } | null {
  if (n <= 0) return null;
  const share = count / n;
  const square = Z ** 2 / n;
  const middle = (share + square / 2) / (1 + square);
  const half = (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / n + square / (4 * n));
  return { low: Math.max(0, 100 * (middle - half)), high: Math.min(100, 100 * (middle + half)) };
}
