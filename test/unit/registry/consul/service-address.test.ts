import { describe, expect, test } from 'vitest';
import { serviceAddress } from '../../../../src/registry/consul/service-address.js';

describe('where a node is reached', () => {
  test('is its health endpoint, else the first it names', () => {
    expect(serviceAddress({ api: 'http://a:1/', health: 'http://b:2/health' })).toEqual({ address: 'b', port: 2 });
    expect(serviceAddress({ api: 'http://a:1/', other: 'http://b:2/' })).toEqual({ address: 'a', port: 1 });
  });

  test.each([
    ['http://a/', 80],
    ['https://a/', 443],
    ['wss://a/', 443],
    ['grpc://a:50051', 50051],
    ['unheard-of://a', 0],
  ])('%s is on port %i', (url, port) => {
    expect(serviceAddress({ url })).toEqual({ address: 'a', port });
  });

  test('is written without brackets where it is an IPv6 address', () => {
    expect(serviceAddress({ url: 'http://[2001:db8::1]:8080/' })).toEqual({ address: '2001:db8::1', port: 8080 });
  });

  test('is nowhere for a node without endpoints', () => {
    expect(serviceAddress({})).toEqual({ address: '', port: 0 });
  });

  test('is refused in words where it is no URL', () => {
    expect(() => serviceAddress({ health: '/health' })).toThrow('"/health" is not an absolute URL');
  });
});
