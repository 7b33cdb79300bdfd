package cache

import "github.com/redis/rueidis"

// KeepPost stores the post with this id without expiry, if it isn't there. Only
// the Redis floor does that.
func (c *Cache) KeepPost(id int64, entry Entry) error {
	_, err := c.do(c.client.B().Set().Key(postKey(id)).Value(entry.encode()).Nx().Build())
	if rueidis.IsRedisNil(err) { // it is there
		return nil
	}
	return err
}
