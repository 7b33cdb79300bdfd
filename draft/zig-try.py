import socket,time,threading,json,subprocess,sys,os,signal,http.client
P=18193; H='127.0.0.1'
def req(method,path,body=None,headers={},timeout=15):
    c=http.client.HTTPConnection(H,P,timeout=timeout)
    t=time.time()
    try:
        c.request(method,path,body=body,headers=headers)
        r=c.getresponse(); b=r.read()
        return r.status,b,dict(r.getheaders()),time.time()-t
    except Exception as e:
        return repr(e),b'',{},time.time()-t
    finally: c.close()
J={'Content-Type':'application/json'}
def login(n=1): 
    return req('POST','/api/auth/login',json.dumps({"email":f"user_{n:04}@example.test","password":f"seeded password {n}"}),J)
def svc(v): subprocess.run(['W/help/services.sh',v,'zig'],check=True)
def start(): subprocess.run(['W/help/zig-api.sh'],check=True); time.sleep(1)
def pid(): return int(open('/tmp/zig-api.pid').read())
def watch(path,seconds,every=0.1):
    out=[]; end=time.time()+seconds; t0=time.time()
    while time.time()<end:
        s,b,h,d=req('GET',path); out.append((round(time.time()-t0,2),s,h.get('X-Cache'),round(d,3))); time.sleep(every)
    return out
def summary(o):
    from collections import Counter
    return Counter((s,x) for _,s,x,_ in o), 'max', max(d for *_,d in o)
def sockets(n,data):
    l=[]
    for _ in range(n):
        s=socket.create_connection((H,P)); s.sendall(data); l.append(s)
    return l
def t_abandoned():
    body=json.dumps({"email":"user_0001@example.test","password":"wrong password"}).encode()
    raw=b'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'%len(body)+body
    l=sockets(1000,raw); [s.close() for s in l]
    for _ in range(3): 
        r=login(2); print('login behind 1000 abandoned',r[0],round(r[3],3))
    print('healthz',req('GET','/healthz')[3])
    l=sockets(200,raw); time.sleep(.3); r=login(3); print('login behind 200 live',r[0],round(r[3],2), 'user',req('GET','/api/users/5')[3]); 
    from collections import Counter
    c=Counter()
    for s in l:
        s.settimeout(30); c[s.recv(100)[9:12]]+=1; s.close()
    print(c)
def rss(): return [l for l in open(f'/proc/{pid()}/status') if l.startswith(('VmRSS','RssAnon'))]
def t_slow():
    print(rss())
    a=sockets(500,b''); b=sockets(250,b'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ')
    tok=json.loads(login(1)[1])['access_token'].encode()
    jb=b'POST /api/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer '+tok+b'\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n'+b'x'*60000
    c=sockets(500,jb)
    up=b'POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer '+tok+b'\r\nContent-Type: multipart/form-data; boundary=BB\r\nContent-Length: 2000000\r\n\r\n--BB\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n\x89PNG\r\n\x1a\n'+b'x'*1000000
    d=sockets(100,up)
    print('latency',[round(req('GET','/api/posts/7')[3],4) for _ in range(5)], rss())
    print(len(os.listdir('W/help/svc/zig/uploads')))
    for s in a+b+c+d: s.close()
    time.sleep(1); print(len(os.listdir('W/help/svc/zig/uploads')), rss())
def t_term():
    idle=sockets(50,b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'); [s.recv(1000) for s in idle]
    part=sockets(20,b'GET /healthz HTTP/1.1\r\nHost: x\r\nX-'); fresh=sockets(5,b'')
    t=time.time(); p=pid(); os.kill(p,15)
    while os.path.exists(f'/proc/{p}'): time.sleep(.01)
    print('idle + 20 partial heads: ended after',round(time.time()-t,2)); start()
    idle=sockets(50,b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'); [s.recv(1000) for s in idle]
    t=time.time(); p=pid(); os.kill(p,15)
    while os.path.exists(f'/proc/{p}'): time.sleep(.01)
    print('idle: ended after',round(time.time()-t,2)); start()
    s=sockets(1,b'GET /api/posts?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n'*40)[0]; time.sleep(1); 
    t=time.time(); p=pid(); os.kill(p,15); time.sleep(.3); n=0
    while True:
        b=s.recv(65536)
        if not b: break
        n+=len(b)
    while os.path.exists(f'/proc/{p}'): time.sleep(.01)
    print('slow reader: got',n,'ended after',round(time.time()-t,2)); start()
    # a login in flight
    rs=[]; th=[threading.Thread(target=lambda: rs.append(login(4)[0])) for _ in range(20)]; [x.start() for x in th]; time.sleep(.15)
    t=time.time(); p=pid(); os.kill(p,15); [x.join() for x in th]
    while os.path.exists(f'/proc/{p}'): time.sleep(.01)
    print('logins in flight',sorted(map(str,rs)),'ended after',round(time.time()-t,2)); start()
def t_redis():
    for a,b in (('freeze-redis','thaw-redis'),('stop-redis','start-redis')):
        watch('/api/posts/9',.5); svc(a)
        rs=[]
        def load():
            rs.extend(watch('/api/posts/9',3,0))
        th=[threading.Thread(target=load) for _ in range(8)]; [x.start() for x in th]; [x.join() for x in th]
        print(a,summary(rs)); svc(b); t=time.time()
        while req('GET','/api/posts/9')[2].get('X-Cache')!='HIT': time.sleep(.05)
        print(b,'HIT after',round(time.time()-t,2))
def t_pg():
    for a,b in (('stop-pg','start-pg'),('freeze-pg','thaw-pg')):
        [req('GET','/api/users/3') for _ in range(3)]; svc(a)
        rs=[]
        th=[threading.Thread(target=lambda: rs.extend(watch('/api/users/3',6,.05))) for _ in range(6)]; [x.start() for x in th]; [x.join() for x in th]
        print(a,summary(rs),'readyz',req('GET','/readyz')[:2], req('GET','/readyz')[3]); svc(b); t=time.time()
        while req('GET','/api/users/3')[0]!=200: time.sleep(.05)
        print(b,'200 after',round(time.time()-t,2)); print(summary(watch('/api/users/3',2)))
def drop(port,on):
    for d in ('--sport','--dport'):
        subprocess.run(['iptables','-I' if on else '-D','INPUT','-p','tcp',d,str(port),'-j','DROP'],check=True)
def t_partition():
    for name,port,path in (('redis',6513,'/api/posts/11'),('postgres',5513,'/api/users/3')):
        watch(path,1,.01)
        drop(port,True)
        rs=[]
        th=[threading.Thread(target=lambda: rs.extend(watch(path,70,.2))) for _ in range(6)]; [x.start() for x in th]; [x.join() for x in th]
        print(name,'dropped for 70 s',summary(rs),'readyz',req('GET','/readyz')[:2])
        drop(port,False); t=time.time()
        while True:
            s,b,h,d=req('GET',path)
            if s==200 and (name=='postgres' or h.get('X-Cache')=='HIT'): break
            time.sleep(.05)
        print('well after',round(time.time()-t,2)); print(summary(watch(path,2,.02)))
if __name__=='__main__':
    for n in sys.argv[1:]: print('##',n); globals()['t_'+n]()
