import { useEffect, useLayoutEffect } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { ActivityPage } from './activity/activity-page.js';
import { cameBack } from './came-back.js';
import { FleetPage } from './fleet/fleet-page.js';
import { Frame } from './frame.js';
import { HealthPage } from './health/health-page.js';
import { NodeDetailPage } from './node/node-page.js';
import { EarlierRunPage } from './node/earlier-run.js';
import type { StreamReader } from './stream.js';

export function App({ stream }: { stream: StreamReader }) {
  const [path] = useLocation();
  useLayoutEffect(() => {
    if (!cameBack()) window.scrollTo(0, 0);
  }, [path]);
  useEffect(() => {
    document.title = `${titleOf(path)} · node-registrar`;
  }, [path]);
  return (
    <Frame stream={stream}>
      <Switch>
        <Route path="/">
          <FleetPage />
        </Route>
        <Route path="/activity">
          <ActivityPage />
        </Route>
        <Route path="/health">
          <HealthPage />
        </Route>
        <Route path="/nodes/:id">{({ id }) => <NodeDetailPage key={id} id={decodeURIComponent(id)} />}</Route>
        <Route path="/nodes/:id/runs/:run">
          {({ id, run }) => <EarlierRunPage id={decodeURIComponent(id)} run={run} />}
        </Route>
        <Route>
          <NoScreen />
        </Route>
      </Switch>
    </Frame>
  );
}

function titleOf(path: string): string {
  if (path.startsWith('/nodes/')) return decodeURIComponent(path.slice('/nodes/'.length).split('/')[0] ?? '');
  if (path === '/activity') return 'Activity';
  return path === '/health' ? 'Health' : 'Fleet';
}

function NoScreen() {
  return (
    <>
      <div className="head">
        <h1>There is no such screen</h1>
      </div>
      <div className="card">
        <div className="empty">
          <p>
            The address leads nowhere.{' '}
            <a className="underlined" href="/">
              Go to the fleet
            </a>
            .
          </p>
        </div>
      </div>
    </>
  );
}
