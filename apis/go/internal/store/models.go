package store

import "time"

// User is a row of users.
type User struct {
	ID           int64
	Username     string
	Email        string
	PasswordHash string
	CreatedAt    time.Time `gorm:"autoCreateTime:false;default:(-)"`
}

// Author is what a post shows of its user.
type Author struct {
	ID       int64
	Username string
}

// TableName makes GORM read authors from users.
func (Author) TableName() string { return "users" }

// Post is a row of posts. The database sets the version and the times.
type Post struct {
	ID        int64
	AuthorID  int64
	Author    Author
	Title     string
	Body      string
	Version   int64     `gorm:"default:(-)"`
	CreatedAt time.Time `gorm:"autoCreateTime:false;default:(-)"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false;default:(-)"`
}

// File is a row of files.
type File struct {
	ID          int64
	OwnerID     int64
	Filename    string
	ContentType string
	Size        int64
	SHA256      string `gorm:"column:sha256"`
	StorageName string
}
