let back = false;

/** Watches how a screen is reached. */
export function watchHistory(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', () => {
    back = true;
    // Screens that are drawn for this are drawn before the next task.
    setTimeout(() => (back = false), 50);
  });
}

/** Whether the screen that is being drawn was reached by the browser's Back or Forward. */
export function cameBack(): boolean {
  return back;
}
